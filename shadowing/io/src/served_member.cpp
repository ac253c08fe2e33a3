#include "shadowing/io/served_member.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <list>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "io/time.hpp"
#include "nbd_link.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/served/digest.hpp"

namespace quorate::shadowing {
namespace {

namespace asio = boost::asio;

constexpr std::uint64_t kZeroPiece = 1 << 30;

// What was asked for and has not ended.
struct ServedOp {
    enum class Kind : std::uint8_t { kRead, kWrite, kZero, kFlush } kind = Kind::kFlush;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    std::span<char> into = {};
    std::span<const char> from = {};
    bool fua = false;
    Member::Done done = {};
    bool asked = false;      // of the connection that there is
    bool uncertain = false;  // asked of an earlier one: it may be under way yet
};
using ServedOps = std::list<ServedOp>;

// The connections to the server, one after the other. Shared with its waits.
class ServedLine : public std::enable_shared_from_this<ServedLine> {
public:
    ServedLine(asio::io_context& io, ServedDisk disk, const NbdLibrary& library)
        : io_(io), lib_(library), again_(io), log_(Logger().with("disk", disk.disk)) {
        Random random(io::random_seed());
        name_ = {disk.disk, disk.set, disk.opener, random.next(), 0, 0, ServedView::kData};
        disk_ = std::move(disk);
    }

    void open(Opened done) {
        opened_ = std::move(done);
        connect();
    }
    void stop() {
        stopped_ = true;
        again_.cancel();
        if (link_) {
            link_->close();
        }
        ops_.clear();
        fences_.clear();
    }

    std::uint64_t octets() const { return octets_; }
    std::uint64_t life() const { return life_; }
    const ServedDisk& disk() const { return disk_; }

    void ask(ServedOp op) {
        ops_.push_back(std::move(op));
        const auto it = std::prev(ops_.end());
        if (broken_ || it->offset + it->octets > octets_) {
            end_later(it, Outcome::kFailed);
        } else if (is_connected_) {
            hand_over(it);
        }
    }

    // What was never asked of a server ends here; the rest when one answers for it.
    void fence(std::function<void()> done) {
        fences_.push_back(std::move(done));
        for (auto it = ops_.begin(); it != ops_.end();) {
            const auto op = it++;
            if (!op->asked && !op->uncertain) {
                end_later(op, Outcome::kFailed);
            }
        }
        asio::post(io_, [self = shared_from_this()] { self->look_at_fences(); });
    }

private:
    // ---- connections

    void connect() {
        is_connected_ = false;
        ++name_.number;
        name_.epoch = disk_.epoch ? disk_.epoch() : 0;
        link_ = std::make_shared<NbdLink>(io_, lib_);
        const auto weak = weak_from_this();
        link_->connect(
            disk_, name_,
            [weak](const Result<ServedDescription>& description) {
                if (const auto self = weak.lock()) {
                    self->connected(description);
                }
            },
            [weak](const Error& error) {
                if (const auto self = weak.lock()) {
                    self->lost(error);
                }
            });
    }
    void connected(const Result<ServedDescription>& description) {
        if (opened_) {
            first_connected(description);
            return;
        }
        if (!description) {
            lost(description.error());
            return;
        }
        // Nothing of an earlier connection is under way any more.
        for (auto& op : ops_) {
            op.uncertain = false;
        }
        if (description->state == ServedState::kRefused) {
            end_all(Outcome::kRefused);
            lost(refusal(*description));
            return;
        }
        if (description->state == ServedState::kOtherDisk || description->life != life_ ||
            link_->octets() < octets_) {
            log_.warn("served_disk_changed", "life", description->life);
            broken_ = true;
            link_->close();
            end_all(Outcome::kFailed);
            return;
        }
        log_.info("served_disk_back", "address", disk_.address);
        is_connected_ = true;
        if (!fences_.empty()) {
            end_all(Outcome::kFailed);
        }
        for (auto it = ops_.begin(); it != ops_.end(); ++it) {
            hand_over(it);
        }
    }

    void first_connected(const Result<ServedDescription>& description);
    Error refusal(const ServedDescription& description) const {
        return fail(errc::refused,
                    fmt::format("{}: {} refuses this opener in epoch {}; it serves epochs from {}",
                                disk_.disk, disk_.address, name_.epoch, description.floor))
            .value();
    }

    void lost(const Error& error) {
        if (is_connected_) {
            log_.warn("served_disk_lost", "why", error.to_string());
        }
        is_connected_ = false;
        link_->close();
        for (auto& op : ops_) {
            op.uncertain |= std::exchange(op.asked, false);
        }
        if (stopped_ || broken_) {
            return;
        }
        again_.expires_after(disk_.retry_after);
        again_.async_wait([self = shared_from_this()](const boost::system::error_code& failed) {
            if (!failed && !self->stopped_) {
                self->connect();
            }
        });
    }

    // ---- operations

    void hand_over(ServedOps::iterator op) {
        op->asked = true;
        const auto done = [weak = weak_from_this(), op](int error) {
            if (const auto self = weak.lock()) {
                self->answered(op, error);
            }
        };
        switch (op->kind) {
            case ServedOp::Kind::kRead:
                link_->read(op->offset, op->into, done);
                return;
            case ServedOp::Kind::kWrite:
                link_->write(op->offset, op->from, op->fua, done);
                return;
            case ServedOp::Kind::kZero:
                link_->zero(op->offset, std::min(op->octets, kZeroPiece), op->fua, done);
                return;
            case ServedOp::Kind::kFlush:
                link_->flush(done);
                return;
        }
    }

    void answered(ServedOps::iterator op, int error) {
        if (error == ESHUTDOWN) {
            // The whole connection is shut out: a new one tells why.
            end(op, Outcome::kRefused);
            if (is_connected_) {
                lost(fail_errno(ESHUTDOWN, disk_.address).value());
            }
            return;
        }
        if (error == 0 && op->kind == ServedOp::Kind::kZero && op->octets > kZeroPiece) {
            op->offset += kZeroPiece;
            op->octets -= kZeroPiece;
            hand_over(op);
            return;
        }
        const bool unreadable = op->kind == ServedOp::Kind::kRead && error == EIO;
        end(op, error == 0 ? Outcome::kOk : unreadable ? Outcome::kUnreadable : Outcome::kFailed);
    }

    void end(ServedOps::iterator op, Outcome outcome) {
        const auto done = std::move(op->done);
        ops_.erase(op);
        done(outcome);
        look_at_fences();
    }
    void end_later(ServedOps::iterator op, Outcome outcome) {
        ++ending_;
        asio::post(io_, [self = shared_from_this(), done = std::move(op->done), outcome] {
            --self->ending_;
            done(outcome);
            self->look_at_fences();
        });
        ops_.erase(op);
    }
    void end_all(Outcome outcome) {
        for (const auto& op : std::exchange(ops_, {})) {
            op.done(outcome);
        }
        look_at_fences();
    }

    void look_at_fences() {
        if (ops_.empty() && ending_ == 0) {
            for (const auto& done : std::exchange(fences_, {})) {
                done();
            }
        }
    }

    asio::io_context& io_;
    ServedDisk disk_;
    const NbdLibrary& lib_;
    asio::steady_timer again_;
    Logger log_;
    ExportName name_;
    std::shared_ptr<NbdLink> link_;  // shared with its waits
    Opened opened_;
    std::uint64_t octets_ = 0;
    std::uint64_t life_ = 0;
    bool is_connected_ = false;
    bool broken_ = false;  // another disk, or another life of its cache
    bool stopped_ = false;
    ServedOps ops_;
    std::size_t ending_ = 0;  // their ends are posted
    std::vector<std::function<void()>> fences_;
};

// What compares by digests, over a connection of its own; what it cannot tell is compared by
// reading.
class DigestLine : public std::enable_shared_from_this<DigestLine> {
public:
    // Nothing: it cannot be told.
    using Told = std::function<void(std::optional<std::string>)>;

    DigestLine(asio::io_context& io, ServedDisk disk, const NbdLibrary& library)
        : io_(io), disk_(std::move(disk)), lib_(library), random_(io::random_seed()) {}

    void ask(std::uint64_t offset, std::uint64_t octets, Told told) {
        Wanted wanted{offset, octets, std::move(told)};
        if (is_connected_) {
            read(std::move(wanted));
            return;
        }
        wanted_.push_back(std::move(wanted));
        if (!link_) {
            connect();
        }
    }
    void stop() {
        if (link_) {
            link_->close();
        }
        wanted_.clear();
        told_.clear();
    }

private:
    struct Wanted {
        std::uint64_t offset = 0;
        std::uint64_t octets = 0;
        Told told;
    };

    void connect() {
        link_ = std::make_shared<NbdLink>(io_, lib_);
        const ExportName name{disk_.disk,          disk_.set, disk_.opener,
                              random_.next(),      0,         disk_.epoch ? disk_.epoch() : 0,
                              ServedView::kDigests};
        const auto weak = weak_from_this();
        link_->connect(
            disk_, name,
            [weak](const Result<ServedDescription>& description) {
                if (const auto self = weak.lock()) {
                    self->connected(description);
                }
            },
            [weak](const Error&) {
                if (const auto self = weak.lock()) {
                    self->lost();
                }
            });
    }

    void connected(const Result<ServedDescription>& description) {
        if (!description || description->state != ServedState::kReady) {
            lost();
            return;
        }
        is_connected_ = true;
        for (auto& wanted : std::exchange(wanted_, {})) {
            read(std::move(wanted));
        }
    }

    void read(Wanted wanted) {
        const auto size = wanted.octets / kDigestBlock * kDigestOctets;
        auto digests = std::make_shared<std::string>(size, '\0');  // of libnbd and the end
        told_.push_back(std::move(wanted.told));
        const auto it = std::prev(told_.end());
        link_->read(wanted.offset / kDigestBlock * kDigestOctets, *digests,
                    [weak = weak_from_this(), it, digests](int error) {
                        if (const auto self = weak.lock()) {
                            const auto told = std::move(*it);
                            self->told_.erase(it);
                            told(error == 0 ? std::optional(std::move(*digests)) : std::nullopt);
                        }
                    });
    }

    void lost() {
        is_connected_ = false;
        link_->close();
        link_.reset();
        for (const auto& wanted : std::exchange(wanted_, {})) {
            wanted.told(std::nullopt);
        }
        for (const auto& told : std::exchange(told_, {})) {
            told(std::nullopt);
        }
    }

    asio::io_context& io_;
    ServedDisk disk_;
    const NbdLibrary& lib_;
    Random random_;
    std::shared_ptr<NbdLink> link_;  // shared with its waits
    bool is_connected_ = false;
    std::vector<Wanted> wanted_;
    std::list<Told> told_;
};

class ServedMember final : public Member {
public:
    ServedMember(std::shared_ptr<ServedLine> line, std::shared_ptr<DigestLine> digests)
        : line_(std::move(line)), digests_(std::move(digests)) {}
    ~ServedMember() override {
        digests_->stop();
        line_->stop();
    }
    ServedMember(const ServedMember&) = delete;
    ServedMember& operator=(const ServedMember&) = delete;

    std::uint64_t octets() const override { return line_->octets(); }
    std::uint64_t life() const override { return line_->life(); }

    void read(std::uint64_t offset, std::span<char> into, Done done) override {
        ServedOp op{ServedOp::Kind::kRead, offset, into.size()};
        op.into = into;
        op.done = std::move(done);
        line_->ask(std::move(op));
    }
    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) override {
        ServedOp op{ServedOp::Kind::kWrite, offset, from.size()};
        op.from = from;
        op.fua = fua;
        op.done = std::move(done);
        line_->ask(std::move(op));
    }
    void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) override {
        ServedOp op{ServedOp::Kind::kZero, offset, octets};
        op.fua = fua;
        op.done = std::move(done);
        line_->ask(std::move(op));
    }
    void flush(Done done) override {
        ServedOp op{ServedOp::Kind::kFlush};
        op.done = std::move(done);
        line_->ask(std::move(op));
    }

    void compare(std::uint64_t offset, std::span<const char> with, Done done) override {
        if (offset % kDigestBlock != 0 || with.size() % kDigestBlock != 0) {
            compare_by_reading(line_, offset, with, std::move(done));
            return;
        }
        digests_->ask(offset, with.size(),
                      [line = line_, offset, with,
                       done = std::move(done)](const std::optional<std::string>& digests) {
                          if (!digests) {
                              compare_by_reading(line, offset, with, done);
                          } else {
                              done(*digests == digests_of(with) ? Outcome::kOk : Outcome::kDiffers);
                          }
                      });
    }
    void fence(std::function<void()> done) override { line_->fence(std::move(done)); }

private:
    static void compare_by_reading(const std::shared_ptr<ServedLine>& line, std::uint64_t offset,
                                   std::span<const char> with, Done done) {
        auto buffer = std::make_shared<io::AlignedBuffer>(with.size());  // of the read and the end
        ServedOp op{ServedOp::Kind::kRead, offset, with.size()};
        op.into = buffer->span();
        op.done = [buffer, with, done = std::move(done)](Outcome outcome) {
            const bool same = std::memcmp(buffer->data(), with.data(), with.size()) == 0;
            done(outcome == Outcome::kOk && !same ? Outcome::kDiffers : outcome);
        };
        line->ask(std::move(op));
    }

    std::shared_ptr<ServedLine> line_;     // shared with its waits
    std::shared_ptr<DigestLine> digests_;  // likewise
};

void ServedLine::first_connected(const Result<ServedDescription>& description) {
    const auto opened = std::exchange(opened_, nullptr);
    if (!description) {
        stop();
        opened(tl::unexpected(description.error()));
        return;
    }
    if (description->state != ServedState::kReady) {
        stop();
        opened(description->state == ServedState::kRefused
                   ? tl::unexpected(refusal(*description))
                   : fail(errc::refused, fmt::format("{}: {} serves another disk or set",
                                                     disk_.disk, disk_.address)));
        return;
    }
    life_ = description->life;
    octets_ = link_->octets();
    is_connected_ = true;
    opened(std::make_unique<ServedMember>(shared_from_this(),
                                          std::make_shared<DigestLine>(io_, disk_, lib_)));
}

}  // namespace

void open_served_member(asio::io_context& io, ServedDisk disk, Opened done) {
    const auto library = NbdLibrary::load();
    if (!library) {
        asio::post(
            io, [error = library.error(), done = std::move(done)] { done(tl::unexpected(error)); });
        return;
    }
    auto line = std::make_shared<ServedLine>(io, std::move(disk), **library);
    // Kept by the member, and until there is one by its opening.
    line->open([line, done = std::move(done)](Result<std::unique_ptr<Member>> opened) {
        done(std::move(opened));
    });
}

Status write_psk_file(const std::string& path, std::string_view key) {
    std::string text = "quorate:";
    for (const char octet : key) {
        text += fmt::format("{:02x}", static_cast<unsigned char>(octet));
    }
    text += '\n';
    const auto beside = path + ".new";
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail_errno(errno, beside);
    }
    const bool written = ::fchmod(file, 0600) == 0 && ::write(file, text.data(), text.size()) ==
                                                          static_cast<ssize_t>(text.size());
    const int error = written ? 0 : errno;
    ::close(file);
    if (!written) {
        return fail_errno(error, beside);
    }
    return ::rename(beside.c_str(), path.c_str()) == 0 ? Status() : Status(fail_errno(errno, path));
}

}  // namespace quorate::shadowing
