#include "served_line.hpp"

#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "io/time.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

namespace asio = boost::asio;

constexpr std::uint64_t kServedZeroPiece = 1 << 30;

}  // namespace

ServedLine::ServedLine(asio::io_context& io, ServedDisk disk, const NbdLibrary& library)
    : io_(io), lib_(library), again_(io), look_again_(io), log_(Logger().with("disk", disk.disk)) {
    Random random(io::random_seed());
    name_ = {disk.disk, disk.set, disk.opener, random.next(), 0, 0, ServedView::kData};
    disk_ = std::move(disk);
}

void ServedLine::open(LineOpened done) {
    opened_ = std::move(done);
    connect();
}

void ServedLine::stop() {
    stopped_ = true;
    again_.cancel();
    look_again_.cancel();
    if (link_) {
        link_->close();
    }
    ops_.clear();
    fences_.clear();
}

void ServedLine::ask(ServedOp op) {
    ops_.push_back(std::move(op));
    const auto it = std::prev(ops_.end());
    if (broken_ || it->offset + it->octets > octets_) {
        end_later(it, Outcome::kFailed);
    } else if (is_connected_) {
        hand_over(it);
    }
}

void ServedLine::fence(std::function<void()> done) {
    fences_.push_back(std::move(done));
    for (auto it = ops_.begin(); it != ops_.end();) {
        const auto op = it++;
        if (!op->asked && !op->uncertain) {
            end_later(op, Outcome::kFailed);
        }
    }
    asio::post(io_, [self = shared_from_this()] { self->look_at_fences(); });
    look_for_end();
}

// ---- connections

void ServedLine::connect() {
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

void ServedLine::connected(const Result<ServedDescription>& description) {
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
    opened(Status());
}

Error ServedLine::refusal(const ServedDescription& description) const {
    return fail(errc::refused,
                fmt::format("{}: {} refuses this opener in epoch {}; it serves epochs from {}",
                            disk_.disk, disk_.address, name_.epoch, description.floor))
        .value();
}

void ServedLine::lost(const Error& error) {
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

// A server that has gone for good answers for nothing. Its disk keeps its lock until its last I/O
// has ended, so whoever opens it then comes after that.
void ServedLine::look_for_end() {
    if (fences_.empty() || !disk_.has_ended || stopped_ || std::exchange(looking_, true)) {
        return;
    }
    disk_.has_ended([weak = weak_from_this()](bool ended) {
        if (const auto self = weak.lock()) {
            self->end_told(ended);
        }
    });
}

void ServedLine::end_told(bool ended) {
    looking_ = false;
    if (fences_.empty() || stopped_) {
        return;
    }
    if (ended) {
        log_.warn("served_disk_gone", "address", disk_.address);
        broken_ = true;
        is_connected_ = false;
        again_.cancel();
        link_->close();
        end_all(Outcome::kFailed);
        return;
    }
    look_again_.expires_after(disk_.retry_after);
    look_again_.async_wait([self = shared_from_this()](const boost::system::error_code& failed) {
        if (!failed) {
            self->look_for_end();
        }
    });
}

// ---- operations

void ServedLine::hand_over(ServedOps::iterator op) {
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
            link_->zero(op->offset, std::min(op->octets, kServedZeroPiece), op->fua, done);
            return;
        case ServedOp::Kind::kFlush:
            link_->flush(done);
            return;
    }
}

void ServedLine::answered(ServedOps::iterator op, int error) {
    if (error == ESHUTDOWN) {
        // The whole connection is shut out: a new one tells why.
        end(op, Outcome::kRefused);
        if (is_connected_) {
            lost(fail_errno(ESHUTDOWN, disk_.address).value());
        }
        return;
    }
    if (error == 0 && op->kind == ServedOp::Kind::kZero && op->octets > kServedZeroPiece) {
        op->offset += kServedZeroPiece;
        op->octets -= kServedZeroPiece;
        hand_over(op);
        return;
    }
    const bool unreadable = op->kind == ServedOp::Kind::kRead && error == EIO;
    end(op, error == 0 ? Outcome::kOk : unreadable ? Outcome::kUnreadable : Outcome::kFailed);
}

void ServedLine::end(ServedOps::iterator op, Outcome outcome) {
    const auto done = std::move(op->done);
    ops_.erase(op);
    done(outcome);
    look_at_fences();
}

void ServedLine::end_later(ServedOps::iterator op, Outcome outcome) {
    ++ending_;
    asio::post(io_, [self = shared_from_this(), done = std::move(op->done), outcome] {
        --self->ending_;
        done(outcome);
        self->look_at_fences();
    });
    ops_.erase(op);
}

void ServedLine::end_all(Outcome outcome) {
    for (const auto& op : std::exchange(ops_, {})) {
        op.done(outcome);
    }
    look_at_fences();
}

void ServedLine::look_at_fences() {
    if (ops_.empty() && ending_ == 0) {
        for (const auto& done : std::exchange(fences_, {})) {
            done();
        }
    }
}

}  // namespace quorate::shadowing
