#include "shadowing/io/rados_member.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.hpp"
#include "base/random.hpp"
#include "io/time.hpp"
#include "rados_client.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

namespace asio = boost::asio;
using Work = asio::executor_work_guard<asio::io_context::executor_type>;

// The clients of this process: whoever shuts an opener out makes the map known to all of them.
class RadosClients {
public:
    void add(const std::shared_ptr<RadosClient>& client) {
        const std::lock_guard guard(mutex_);
        clients_.push_back(client);
    }
    Status take_latest_map() {
        std::vector<std::shared_ptr<RadosClient>> all;
        {
            const std::lock_guard guard(mutex_);
            std::erase_if(clients_, [](const auto& one) { return one.expired(); });
            for (const auto& one : clients_) {
                if (auto client = one.lock()) {
                    all.push_back(std::move(client));
                }
            }
        }
        for (const auto& client : all) {
            QUORATE_CHECK(client->take_latest_map());
        }
        return {};
    }

private:
    std::mutex mutex_;
    std::vector<std::weak_ptr<RadosClient>> clients_;
};

RadosClients& rados_clients() {
    static RadosClients clients;
    return clients;
}

// Shared with its operations under way; their ends come on a thread of librados.
struct RadosState {
    asio::io_context& io;
    std::shared_ptr<RadosClient> client;
    RadosHeader header;
    bool left = false;  // nobody wants to hear any more
    std::size_t under_way = 0;
    std::vector<std::function<void()>> fences;

    void ended(const Member::Done& done, Outcome outcome) {
        --under_way;
        if (left) {
            return;
        }
        done(outcome);
        look_at_fences();
    }
    void look_at_fences() {
        if (under_way == 0) {
            for (const auto& fence : std::exchange(fences, {})) {
                fence();
            }
        }
    }
};

Outcome rados_outcome(int result, bool reads) {
    // ESHUTDOWN: the cluster has put this client on its blocklist.
    return result == -ESHUTDOWN || result == -ENOTCONN       ? Outcome::kRefused
           : result >= 0                                     ? Outcome::kOk
           : reads && (result == -EIO || result == -EBADMSG) ? Outcome::kUnreadable
                                                             : Outcome::kFailed;
}

// An operation on a stretch, which may touch several objects. Its memory is the caller's.
struct RadosOp {
    std::shared_ptr<RadosState> state;
    bool reads = false;
    Member::Done done;
    std::size_t left = 0;
    Outcome outcome = Outcome::kOk;
};

// Of one object.
struct RadosPart {
    std::shared_ptr<RadosOp> op;
    Work work;  // the io_context waits for it
    std::span<char> into;
    rados_completion_t completion = nullptr;

    void answer(int result) {
        op->state->client->lib().aio_release(completion);
        if (op->reads) {
            // What was never written is not there, and reads as zeros.
            const auto got = result == -ENOENT ? 0 : result;
            if (got >= 0) {
                const auto rest =
                    into.subspan(std::min(into.size(), static_cast<std::size_t>(got)));
                std::ranges::fill(rest, '\0');
                result = 0;
            }
        } else if (result == -ENOENT) {
            result = 0;  // zeroing what is not there
        }
        const auto outcome = rados_outcome(result, op->reads);
        op->outcome = op->outcome == Outcome::kOk ? outcome : op->outcome;
        if (--op->left == 0) {
            op->state->ended(op->done, op->outcome);
        }
    }
};

class RadosMember final : public Member {
public:
    explicit RadosMember(std::shared_ptr<RadosState> state) : state_(std::move(state)) {}
    ~RadosMember() override { state_->left = true; }
    RadosMember(const RadosMember&) = delete;
    RadosMember& operator=(const RadosMember&) = delete;

    std::uint64_t octets() const override { return state_->header.octets; }
    std::uint64_t life() const override { return state_->header.life; }

    void read(std::uint64_t offset, std::span<char> into, Done done) override {
        const auto op = begin(/*reads=*/true, std::move(done));
        each_object(op, offset, into.size(), [&](const Piece& piece, RadosPart* part) {
            part->into = into.subspan(piece.skipped, piece.octets);
            return lib().aio_read(pool(), piece.object.c_str(), part->completion, part->into.data(),
                                  piece.octets, piece.offset);
        });
    }

    void write(std::uint64_t offset, std::span<const char> from, bool, Done done) override {
        const auto op = begin(/*reads=*/false, std::move(done));
        each_object(op, offset, from.size(), [&](const Piece& piece, RadosPart* part) {
            return lib().aio_write(pool(), piece.object.c_str(), part->completion,
                                   from.data() + piece.skipped, piece.octets, piece.offset);
        });
    }

    void zero(std::uint64_t offset, std::uint64_t octets, bool, Done done) override {
        const auto op = begin(/*reads=*/false, std::move(done));
        each_object(op, offset, octets, [&](const Piece& piece, RadosPart* part) {
            auto* operation = lib().create_write_op();
            lib().write_op_zero(operation, piece.offset, piece.octets);
            const int begun = lib().aio_write_op_operate(operation, pool(), part->completion,
                                                         piece.object.c_str(), nullptr, 0);
            lib().release_write_op(operation);
            return begun;
        });
    }

    void compare(std::uint64_t offset, std::span<const char> with, Done done) override {
        auto buffer = std::make_shared<io::AlignedBuffer>(with.size());  // of the read and the end
        read(offset, buffer->span(), [buffer, with, done = std::move(done)](Outcome outcome) {
            const bool same = std::memcmp(buffer->data(), with.data(), with.size()) == 0;
            done(outcome == Outcome::kOk && !same ? Outcome::kDiffers : outcome);
        });
    }

    // What was acknowledged is durable.
    void flush(Done done) override {
        ++state_->under_way;
        asio::post(state_->io,
                   [state = state_, done = std::move(done)] { state->ended(done, Outcome::kOk); });
    }

    void fence(std::function<void()> done) override {
        state_->fences.push_back(std::move(done));
        asio::post(state_->io, [state = state_] { state->look_at_fences(); });
    }

private:
    struct Piece {
        std::string object;
        std::uint64_t offset = 0;  // in the object
        std::size_t octets = 0;
        std::size_t skipped = 0;  // of the operation's octets
    };

    const RadosLibrary& lib() const { return state_->client->lib(); }
    rados_ioctx_t pool() const { return state_->client->pool(); }

    std::shared_ptr<RadosOp> begin(bool reads, Done done) {
        ++state_->under_way;
        return std::make_shared<RadosOp>(RadosOp{state_, reads, std::move(done)});
    }

    // librados answers on a thread of its own, which only hands the answer over.
    RadosPart* make_part(const std::shared_ptr<RadosOp>& op) {
        auto* part = new RadosPart{op, asio::make_work_guard(state_->io), {}};
        const int made = lib().aio_create_completion2(
            part,
            [](rados_completion_t completion, void* data) {
                auto* ended = static_cast<RadosPart*>(data);
                hand_over(ended, ended->op->state->client->lib().aio_get_return_value(completion));
            },
            &part->completion);
        QUORATE_ASSERT(made == 0);
        return part;
    }
    static void hand_over(RadosPart* part, int result) {
        asio::post(part->op->state->io,
                   [owned = std::unique_ptr<RadosPart>(part), result] { owned->answer(result); });
    }

    template <class Begin>
    void each_object(const std::shared_ptr<RadosOp>& op, std::uint64_t offset, std::uint64_t octets,
                     Begin begin_piece) {
        const auto shift = state_->header.object_shift;
        const auto size = std::uint64_t{1} << shift;
        const auto first = offset >> shift;
        const auto last = (offset + octets - 1) >> shift;
        op->left = last - first + 1;
        std::uint64_t skipped = 0;
        for (auto index = first; index <= last; ++index) {
            const auto inside = (offset + skipped) & (size - 1);
            const auto now = std::min(octets - skipped, size - inside);
            auto* part = make_part(op);
            const Piece piece{rados_object_name(state_->client->name(), index), inside, now,
                              skipped};
            // One that did not begin is not answered by librados.
            if (const int begun = begin_piece(piece, part); begun < 0) {
                hand_over(part, begun);
            }
            skipped += now;
        }
    }

    std::shared_ptr<RadosState> state_;
};

// On a thread of its own, which ends with it: the cluster may not answer for a while.
template <class Job, class Then>
void run_aside(asio::io_context& io, Job job, Then then) {
    std::thread([&io, work = asio::make_work_guard(io), job = std::move(job),
                 then = std::move(then)]() mutable {
        auto result = job();
        asio::post(io, [then = std::move(then), result = std::move(result)]() mutable {
            then(std::move(result));
        });
    }).detach();
}

struct RadosOpening {
    std::shared_ptr<RadosClient> client;
    RadosHeader header;
};
// `opener` null: everybody.
Status shut_out(const RadosClient& client, const ServedOpener* opener) {
    QUORATE_TRY(const auto noted, client.noted(opener));
    for (const auto& one : noted) {
        QUORATE_CHECK(client.blocklist(one));
    }
    QUORATE_CHECK(client.take_latest_map());
    QUORATE_CHECK(rados_clients().take_latest_map());
    for (const auto& one : noted) {
        QUORATE_CHECK(client.forget(one));
    }
    return {};
}

Result<RadosOpening> open_aside(const std::string& place, const ServedOpener& opener,
                                RadosOthers others) {
    QUORATE_TRY(auto client, RadosClient::connect(place));
    if (others == RadosOthers::kShutOut) {
        QUORATE_CHECK(shut_out(*client, nullptr));
    } else {
        QUORATE_CHECK(client->take_latest_map());
    }
    QUORATE_TRY(const auto header, client->read_header());
    QUORATE_CHECK(client->note_address(opener));
    rados_clients().add(client);
    return RadosOpening{std::move(client), header};
}

std::unique_ptr<Member> make_member(asio::io_context& io, RadosOpening opened) {
    // Of the member and its operations under way.
    auto state = std::make_shared<RadosState>(
        RadosState{io, std::move(opened.client), opened.header, false, 0, {}});
    return std::make_unique<RadosMember>(std::move(state));
}

Status drop_aside(const std::string& place, const ServedOpener& opener) {
    QUORATE_TRY(const auto client, RadosClient::connect(place));
    return shut_out(*client, &opener);
}

}  // namespace

void open_rados_member(asio::io_context& io, const std::string& place, ServedOpener opener,
                       RadosOthers others, Opened done) {
    run_aside(
        io, [=] { return open_aside(place, opener, others); },
        [&io, done = std::move(done)](Result<RadosOpening> opened) {
            done(opened ? Result<std::unique_ptr<Member>>(make_member(io, std::move(*opened)))
                        : tl::unexpected(opened.error()));
        });
}

Result<std::unique_ptr<Member>> connect_rados_member(asio::io_context& io, const std::string& place,
                                                     ServedOpener opener, RadosOthers others) {
    QUORATE_TRY(auto opened, open_aside(place, opener, others));
    return make_member(io, std::move(opened));
}

Status make_rados_member(const std::string& place, std::uint64_t octets) {
    QUORATE_TRY(const auto client, RadosClient::connect(place));
    const auto there = client->read_header();
    if (there) {
        return there->octets == octets
                   ? Status()
                   : Status(fail(errc::refused, place + ": there is one of another size"));
    }
    if (there.error().code != std::errc::no_such_file_or_directory) {
        return tl::unexpected(there.error());
    }
    Random random(io::random_seed());
    return client->write_header({kRadosObjectShift, octets, random.next()});
}

void drop_rados_opener(asio::io_context& io, const std::string& place, ServedOpener opener,
                       RadosDropped done) {
    run_aside(
        io, [place, opener] { return drop_aside(place, opener); }, std::move(done));
}

}  // namespace quorate::shadowing
