#include "base/assert.hpp"
#include "io/errc.hpp"
#include "stream_impl.hpp"

namespace quorate::io {

using Step = TlsConnection::Step;

// What OpenSSL asked for while reading or shaking hands.
awaitable<Status> Stream::Impl::wait_for(Step step, Deadline deadline) {
    const auto side = step == Step::kWantRead ? kRead : kFlush;
    co_return co_await wait(side, deadline);
}

awaitable<Status> Stream::Impl::start_tls(TlsContext& context, Deadline deadline) {
    QUORATE_ASSERT(!tls_);
    if (closed_) {
        co_return fail(Errc::kClosed, "start TLS");
    }
    tls_ = std::make_unique<TlsConnection>(context, fd(), std::move(early_));
    early_ = {};
    more_likely_ = false;
    for (;;) {
        if (closed_) {
            co_return fail(Errc::kClosed, "TLS handshake");
        }
        const auto step = tls_->handshake();
        if (step == Step::kDone) {
            co_return Status{};
        }
        if (step == Step::kFailed) {
            co_return tl::unexpected<Error>(tls_->error());
        }
        auto ready = co_await wait_for(step, deadline);
        if (!ready) {
            co_return ready;
        }
    }
}

// Decrypts the next record to know whether it holds anything for us: a socket is readable for a
// session ticket or half a record too.
awaitable<Status> Stream::Impl::wait_tls_readable(Deadline deadline) {
    for (;;) {
        if (closed_) {
            co_return Status{};
        }
        const auto step = tls_->take_drained() ? Step::kWantRead : tls_->peek();
        if (step != Step::kWantRead && step != Step::kWantWrite) {
            co_return Status{};
        }
        const auto side = step == Step::kWantRead ? kRead : kFlush;
        auto ready = co_await wait(side, deadline, /*interruptible=*/side == kRead);
        if (!ready) {
            co_return ready;
        }
    }
}

Result<std::optional<std::size_t>> Stream::Impl::read_tls_now(std::span<char> buffer) {
    if (tls_->take_drained()) {
        read_waits_for_ = kRead;
        return std::nullopt;
    }
    std::size_t count = 0;
    const auto step = tls_->read(buffer, count);
    switch (step) {
        case Step::kDone:
            return count;
        case Step::kEnd:
            return std::size_t{0};
        case Step::kFailed:
            return tl::unexpected<Error>(tls_->error());
        case Step::kWantRead:
        case Step::kWantWrite:
            break;
    }
    read_waits_for_ = step == Step::kWantRead ? kRead : kFlush;
    return std::nullopt;
}

Result<std::size_t> Stream::Impl::write_tls_now(std::string_view bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        std::size_t count = 0;
        const auto step = tls_->write(bytes.substr(done), count);
        if (step == Step::kDone) {
            done += count;
            continue;
        }
        if (step == Step::kWantWrite) {
            break;
        }
        // Without renegotiation a write never waits for input once the handshake is over.
        auto error = step == Step::kFailed
                         ? tls_->error()
                         : Error{Errc::kTls, "the peer ended or stalled TLS inside a write"};
        return tl::unexpected<Error>(std::move(error));
    }
    return done;
}

}  // namespace quorate::io
