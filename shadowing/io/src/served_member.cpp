#include "shadowing/io/served_member.hpp"

#include <cstring>
#include <utility>

#include <boost/asio/post.hpp>

#include "digest_line.hpp"
#include "served_line.hpp"
#include "shadowing/served/digest.hpp"

namespace quorate::shadowing {
namespace {

// Data over one line, comparisons over another; what that one cannot tell is compared by reading.
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

}  // namespace

void open_served_member(boost::asio::io_context& io, ServedDisk disk, Opened done) {
    const auto library = NbdLibrary::load();
    if (!library) {
        boost::asio::post(
            io, [error = library.error(), done = std::move(done)] { done(tl::unexpected(error)); });
        return;
    }
    auto line = std::make_shared<ServedLine>(io, std::move(disk), **library);
    // Kept by the member, and until there is one by its opening.
    line->open([line, &io, &lib = **library, done = std::move(done)](const Status& opened) {
        if (!opened) {
            done(tl::unexpected(opened.error()));
            return;
        }
        auto digests = std::make_shared<DigestLine>(io, line->disk(), lib);
        done(std::make_unique<ServedMember>(line, std::move(digests)));
    });
}

}  // namespace quorate::shadowing
