#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "base/assert.hpp"
#include "shadowing/io/member.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::size_t kZeroPiece = 1 << 20;

Outcome outcome_of(int result, std::uint64_t wanted, bool is_read) {
    if (result >= 0) {
        return static_cast<std::uint64_t>(result) == wanted ? Outcome::kOk : Outcome::kFailed;
    }
    const bool block_bad = is_read && (result == -EIO || result == -EILSEQ || result == -ENODATA);
    return block_bad ? Outcome::kUnreadable : Outcome::kFailed;
}

class FileMember final : public Member {
public:
    FileMember(io::Uring& ring, boost::asio::io_context& io, std::shared_ptr<LocalDisk> disk,
               std::uint64_t life)
        : ring_(ring), io_(io), disk_(std::move(disk)), file_(disk_->file()), life_(life) {}

    std::uint64_t octets() const override { return disk_->octets(); }
    std::uint64_t life() const override { return life_; }

    void read(std::uint64_t offset, std::span<char> into, Done done) override {
        ++under_way_;
        ring_.read(file_, into, offset, [this, into, done = std::move(done)](int result) {
            end(done, outcome_of(result, into.size(), /*is_read=*/true));
        });
    }

    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) override {
        ++under_way_;
        ring_.write(file_, from, offset, fua, [this, from, done = std::move(done)](int result) {
            end(done, outcome_of(result, from.size(), /*is_read=*/false));
        });
    }

    void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) override {
        ++under_way_;
        if (!can_zero_range_) {
            write_zeros({offset, octets, fua, std::move(done)});
            return;
        }
        const int mode = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
        Zeros zeros{offset, octets, fua, std::move(done)};
        ring_.allocate(file_, mode, offset, octets, [this, zeros](int result) {
            if (result == -EOPNOTSUPP || result == -EINVAL || result == -ENOSYS) {
                can_zero_range_ = false;
                write_zeros(zeros);
            } else if (result == 0 && zeros.fua) {
                ring_.sync_data(file_,
                                [this, zeros](int synced) { end(zeros.done, written(synced)); });
            } else {
                end(zeros.done, written(result));
            }
        });
    }

    void compare(std::uint64_t offset, std::span<const char> with, Done done) override {
        auto buffer = std::make_shared<io::AlignedBuffer>(with.size());  // of the read and the end
        read(offset, buffer->span(), [buffer, with, done = std::move(done)](Outcome outcome) {
            const bool same = std::memcmp(buffer->data(), with.data(), with.size()) == 0;
            done(outcome == Outcome::kOk && !same ? Outcome::kDiffers : outcome);
        });
    }

    void flush(Done done) override {
        ++under_way_;
        ring_.sync_data(file_,
                        [this, done = std::move(done)](int result) { end(done, written(result)); });
    }

    void fence(std::function<void()> done) override {
        fences_.push_back(std::move(done));
        if (under_way_ == 0) {
            boost::asio::post(io_, [fences = std::exchange(fences_, {})] {
                for (const auto& fence : fences) {
                    fence();
                }
            });
        }
    }

    // Holes, and what was allocated without being written.
    std::vector<Extent> extents(std::uint64_t offset, std::uint64_t octets) const override {
        std::vector<Extent> found;
        const auto end = offset + octets;
        while (offset < end && found.size() < kMaxExtents) {
            const auto data = next(offset, end, SEEK_DATA);
            if (data > offset) {
                found.push_back({data - offset, true});
                offset = data;
                continue;
            }
            const auto hole = next(offset, end, SEEK_HOLE);
            found.push_back({hole - offset, false});
            offset = hole;
        }
        return found;
    }

private:
    // Rounded outwards for data: a block in part is data.
    std::uint64_t next(std::uint64_t offset, std::uint64_t end, int whence) const {
        const auto at = ::lseek(file_, static_cast<off_t>(offset), whence);
        if (at < 0) {
            return whence == SEEK_DATA && errno == ENXIO ? end : whence == SEEK_DATA ? offset : end;
        }
        const auto exact = static_cast<std::uint64_t>(at);
        const auto whole = whence == SEEK_DATA ? exact / io::AlignedBuffer::kAlignment
                                               : (exact + io::AlignedBuffer::kAlignment - 1) /
                                                     io::AlignedBuffer::kAlignment;
        return std::clamp(whole * io::AlignedBuffer::kAlignment, offset, end);
    }

    struct Zeros {
        std::uint64_t offset = 0;
        std::uint64_t left = 0;
        bool fua = false;
        Done done;
    };

    static Outcome written(int result) { return result == 0 ? Outcome::kOk : Outcome::kFailed; }

    void write_zeros(Zeros zeros) {
        static const io::AlignedBuffer piece = [] {
            io::AlignedBuffer buffer(kZeroPiece);
            std::memset(buffer.data(), 0, buffer.size());
            return buffer;
        }();
        const auto now = std::min<std::uint64_t>(zeros.left, kZeroPiece);
        const auto part = piece.span().subspan(0, now);
        ring_.write(file_, part, zeros.offset, zeros.fua, [this, zeros, now](int result) mutable {
            const auto outcome = outcome_of(result, now, /*is_read=*/false);
            zeros.offset += now;
            zeros.left -= now;
            if (outcome != Outcome::kOk || zeros.left == 0) {
                end(zeros.done, outcome);
            } else {
                write_zeros(std::move(zeros));
            }
        });
    }

    void end(const Done& done, Outcome outcome) {
        --under_way_;
        done(outcome);
        if (under_way_ == 0) {
            for (const auto& fence : std::exchange(fences_, {})) {
                fence();
            }
        }
    }

    io::Uring& ring_;
    boost::asio::io_context& io_;
    std::shared_ptr<LocalDisk> disk_;  // the other owner is who serves it
    int file_;
    std::uint64_t life_;
    bool can_zero_range_ = true;
    std::size_t under_way_ = 0;
    std::vector<std::function<void()>> fences_;
};

}  // namespace

Result<std::unique_ptr<Member>> open_file_member(io::Uring& ring, boost::asio::io_context& io,
                                                 const std::string& path) {
    QUORATE_TRY(auto disk, LocalDisk::open(path));
    return make_file_member(ring, io, std::move(disk));
}

std::unique_ptr<Member> make_file_member(io::Uring& ring, boost::asio::io_context& io,
                                         std::shared_ptr<LocalDisk> disk) {
    return std::make_unique<FileMember>(ring, io, std::move(disk), machine_life());
}

Result<std::unique_ptr<Member>> open_shared_member(io::Uring& ring, boost::asio::io_context& io,
                                                   const std::string& path, OpenerSlot slot) {
    constexpr std::uint64_t kOnlyLife = 1;
    QUORATE_TRY(auto disk, LocalDisk::open_shared(path, slot.value()));
    return std::unique_ptr<Member>(
        std::make_unique<FileMember>(ring, io, std::move(disk), kOnlyLife));
}

std::uint64_t machine_life() {
    static const std::uint64_t life = [] {
        std::ifstream file("/proc/sys/kernel/random/boot_id");
        std::string id;
        std::getline(file, id);
        std::erase(id, '-');
        QUORATE_ASSERT(id.size() == 32);
        return std::stoull(id.substr(0, 16), nullptr, 16);
    }();
    return life;
}

}  // namespace quorate::shadowing
