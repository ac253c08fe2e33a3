#include "lockmgr/trace.hpp"

#include <optional>
#include <type_traits>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "lockmgr/errc.hpp"
#include "table.hpp"

namespace quorate::lockmgr {
namespace {

constexpr std::string_view kMagic = "QLTR";
constexpr std::uint16_t kMajor = 1;

// ---- fields, written and read in one order

struct Out {
    ByteWriter& to;
    void number(std::uint64_t value) { to.varint(value); }
    void text(std::string_view value) { to.blob(value); }
};
struct In {
    ByteReader& from;
};

template <class T>
void field(Out& out, const T& value) {
    if constexpr (std::is_enum_v<T>) {
        out.number(static_cast<std::uint64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
        out.number(static_cast<std::uint64_t>(value));
    } else {
        out.number(value.value());
    }
}
template <class T>
void field(In& in, T& value) {
    const auto read = in.from.varint();
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
        value = static_cast<T>(read);
    } else {
        value = T(static_cast<decltype(value.value())>(read));
    }
}
void field(Out& out, const std::string_view& value) { out.text(value); }
void field(In& in, std::string_view& value) {
    const auto size = in.from.varint();
    value = in.from.raw(size);
}
void field(Out& out, const std::string& value) { out.text(value); }
void field(In& in, std::string& value) {
    const auto size = in.from.varint();
    value = std::string(in.from.raw(size));
}
void field(Out& out, const MonoTime& value) { out.to.i64(value.time_since_epoch().count()); }
void field(In& in, MonoTime& value) { value = MonoTime(MonoTime::duration(in.from.i64())); }
void field(Out& out, const std::chrono::milliseconds& value) { out.to.i64(value.count()); }
void field(In& in, std::chrono::milliseconds& value) {
    value = std::chrono::milliseconds(in.from.i64());
}
void field(Out& out, const std::optional<MonoTime>& value) {
    out.to.u8(value ? 1 : 0);
    if (value) {
        field(out, *value);
    }
}
void field(In& in, std::optional<MonoTime>& value) {
    if (in.from.u8() != 0) {
        field(in, value.emplace());
    }
}
void field(Out& out, const ValueBlock& value) { out.to.raw({value.data(), value.size()}); }
void field(In& in, ValueBlock& value) {
    const auto bytes = in.from.raw(value.size());
    bytes.copy(value.data(), bytes.size());
}

template <class T>
void list(Out& out, std::vector<T>& values, auto each_one) {
    out.number(values.size());
    for (auto& value : values) {
        each_one(value);
    }
}
template <class T>
void list(In& in, std::vector<T>& values, auto each_one) {
    const auto count = in.from.varint();
    for (std::uint64_t i = 0; i < count && !in.from.failed(); ++i) {
        each_one(values.emplace_back());
    }
}

template <class Walk, class... T>
void all(Walk& walk, T&... values) {
    (field(walk, values), ...);
}

// ---- inputs

template <class Walk>
void each(Walk& walk, ClientOpened& m) {
    all(walk, m.client, m.pid, m.uid, m.priority);
    list(walk, m.gids, [&](auto& gid) { field(walk, gid); });
}
template <class Walk>
void each(Walk& walk, ClientGone& m) {
    all(walk, m.client);
}
template <class Walk>
void each(Walk& walk, Enqueue& m) {
    all(walk, m.client, m.request, m.domain, m.parent, m.name, m.mode, m.flags, m.xid, m.deadline);
}
template <class Walk>
void each(Walk& walk, Convert& m) {
    all(walk, m.client, m.request, m.lock, m.mode, m.flags, m.value, m.deadline);
}
template <class Walk>
void each(Walk& walk, Dequeue& m) {
    all(walk, m.client, m.request, m.lock, m.flags, m.value);
}
template <class Walk>
void each(Walk& walk, Cancel& m) {
    all(walk, m.client, m.request, m.lock);
}
template <class Walk>
void each(Walk& walk, DequeueAll& m) {
    all(walk, m.client, m.request, m.lock);
}
template <class Walk>
void each(Walk& walk, Purge& m) {
    all(walk, m.client, m.request, m.node, m.pid);
}
template <class Walk>
void each(Walk& walk, Domain& m) {
    all(walk, m.name, m.uid, m.gid, m.mode);
}
template <class Walk>
void each(Walk& walk, DefineDomain& m) {
    all(walk, m.client, m.request);
    each(walk, m.domain);
}
template <class Walk>
void each(Walk& walk, Received& m) {
    all(walk, m.from, m.bytes);
}
template <class Walk>
void each(Walk& walk, LeaseKnown& m) {
    all(walk, m.until);
}
template <class Walk>
void each(Walk& walk, Drain& m) {
    all(walk, m.on);
}
template <class Walk>
void each(Walk&, Tick&) {}
template <class Walk>
void each(Walk& walk, cluster::MemberId& m) {
    all(walk, m.node, m.incarnation);
}
// Of a view, what the lock manager looks at.
template <class Walk>
void each(Walk& walk, cluster::ViewCommitted& m) {
    all(walk, m.view.epoch, m.view.quorate, m.view.coordinator);
    list(walk, m.view.members, [&](cluster::Member& member) {
        each(walk, member.id);
        all(walk, member.directory_weight, member.draining);
    });
    list(walk, m.view.lost, [&](cluster::MemberId& life) { each(walk, life); });
}
template <class Walk>
void each(Walk& walk, cluster::QuorumLost& m) {
    all(walk, m.epoch);
}
template <class Walk>
void each(Walk& walk, cluster::TakeoverAllowed& m) {
    all(walk, m.epoch);
    each(walk, m.lost);
}
template <class Walk>
void each(Walk& walk, cluster::Expelled& m) {
    all(walk, m.reason);
}
template <class Walk>
void each(Walk& walk, LockManagerOptions& m) {
    each(walk, m.self);
    all(walk, m.deadlock_wait, m.idle, m.residence, m.locks_max, m.client_locks_max, m.clients_max,
        m.move_locks_max, m.recovery_trees);
    list(walk, m.domains, [&](Domain& domain) { each(walk, domain); });
}

// One after the other, so that the kind stands for the type.
template <std::size_t kIndex = 0>
bool read_input(In& in, std::uint64_t kind, LockInput& input) {
    if constexpr (kIndex < std::variant_size_v<LockInput>) {
        if (kind != kIndex) {
            return read_input<kIndex + 1>(in, kind, input);
        }
        each(in, input.emplace<kIndex>());
        return true;
    } else {
        return false;
    }
}

void add_chunk(std::string& file, std::string_view records) {
    ByteWriter out(file);
    out.u32(static_cast<std::uint32_t>(records.size()));
    out.u32(crc32c(records));
    out.raw(records);
}

// Nothing if it is cut short or damaged.
std::optional<std::string_view> take_chunk(ByteReader& in) {
    const auto size = in.u32();
    const auto checksum = in.u32();
    const auto records = in.raw(size);
    return in.failed() || crc32c(records) != checksum ? std::nullopt : std::optional(records);
}

class Digest {
public:
    void add(const auto&... values) { (mix_in(values), ...); }
    std::uint64_t value() const { return hash_; }

private:
    void mix_in(std::uint64_t value) { hash_ = mix(hash_ ^ value) + 0x9e3779b97f4a7c15; }
    template <class T>
    requires std::is_enum_v<T>
    void mix_in(T value) { mix_in(static_cast<std::uint64_t>(value)); }
    template <class Tag, class Rep>
    void mix_in(const Strong<Tag, Rep>& value) {
        mix_in(static_cast<std::uint64_t>(value.value()));
    }
    void mix_in(std::string_view text) { mix_in(hash_of(text)); }

    std::uint64_t hash_ = 0;
};

}  // namespace

std::uint64_t digest_of(std::span<const LockOutput> outputs) {
    Digest digest;
    for (const auto& output : outputs) {
        digest.add(output.index());
        if (const auto* done = std::get_if<Completion>(&output)) {
            digest.add(done->client, done->request, done->lock, done->status, done->mode,
                       done->token, done->cycle.size());
        } else if (const auto* send = std::get_if<Send>(&output)) {
            digest.add(send->to, std::string_view(send->bytes));
        } else if (const auto* blocking = std::get_if<BlockingEvent>(&output)) {
            digest.add(blocking->client, blocking->lock, blocking->mode);
        } else if (const auto* waiting = std::get_if<Waiting>(&output)) {
            digest.add(waiting->client, waiting->request, waiting->lock, waiting->cause);
        }
    }
    return digest.value();
}

// ---- writing

LockTrace::LockTrace(const LockManagerOptions& options, std::size_t capacity)
    : capacity_(capacity) {
    auto copy = options;
    ByteWriter writer(begin_);
    Out out{writer};
    each(out, copy);
}

void LockTrace::record(MonoTime now, const LockInput& input, std::span<const LockOutput> outputs) {
    if (!on()) {
        return;
    }
    if (chunks_.empty() || chunks_.back().records.size() >= kChunk) {
        if (!chunks_.empty()) {
            size_ += chunks_.back().records.size();
        }
        while (!chunks_.empty() && size_ + kChunk > capacity_) {
            size_ -= chunks_.front().records.size();
            dropped_ += chunks_.front().count;
            chunks_.pop_front();
            ++first_;
        }
        chunks_.emplace_back().records.reserve(kChunk + 1024);
    }
    auto& chunk = chunks_.back();
    ++chunk.count;
    ++inputs_;
    ByteWriter writer(chunk.records);
    Out out{writer};
    out.number(input.index());
    writer.i64(now.time_since_epoch().count());
    // One list of fields serves both directions; writing changes nothing.
    std::visit([&](auto& one) { each(out, one); }, const_cast<LockInput&>(input));
    writer.u64(digest_of(outputs));
}

std::string LockTrace::bytes() const { return piece(0, 0, SIZE_MAX)->bytes; }

std::string LockTrace::header() const {
    std::string file(kMagic);
    ByteWriter out(file);
    out.u16(kMajor);
    out.u16(0);
    std::string head;
    ByteWriter(head).u64(dropped_);
    add_chunk(file, head + begin_);
    return file;
}

// Chunks are numbered; that in which the newest input stood when it began is the last one.
std::optional<LockTrace::Piece> LockTrace::piece(std::uint64_t from, std::uint64_t end,
                                                 std::size_t limit) const {
    Piece piece;
    piece.end = from == 0 ? first_ + chunks_.size() : end;
    auto at = from == 0 ? first_ : from;
    if (at < first_ || at > piece.end || piece.end > first_ + chunks_.size()) {
        return std::nullopt;
    }
    piece.bytes = from == 0 ? header() : "";
    for (; at < piece.end && piece.bytes.size() < limit; ++at) {
        add_chunk(piece.bytes, chunks_[at - first_].records);
    }
    piece.next = at < piece.end ? at : 0;
    return piece;
}

// ---- reading

Result<LoadedTrace> read_trace(std::string_view bytes) {
    ByteReader file(bytes);
    const bool magic = file.raw(kMagic.size()) == kMagic;
    const auto major = file.u16();
    file.u16();
    if (!magic || file.failed()) {
        return fail(errc::damaged, "no trace of a lock manager");
    }
    if (major != kMajor) {
        return fail(errc::unsupported_version, "a trace of a newer version");
    }
    LoadedTrace trace;
    const auto head = take_chunk(file);
    if (!head) {
        return fail(errc::damaged, "its beginning");
    }
    ByteReader reader(*head);
    In in{reader};
    trace.dropped = reader.u64();
    each(in, trace.options);
    bool sound = !reader.failed() && reader.at_end();
    while (sound && !file.at_end()) {
        const auto records = take_chunk(file);
        ByteReader rest(records.value_or(std::string_view{}));
        In next{rest};
        sound = records.has_value();
        while (sound && !rest.at_end()) {
            auto& entry = trace.entries.emplace_back();
            const auto kind = rest.varint();
            entry.when = MonoTime(MonoTime::duration(rest.i64()));
            sound = read_input(next, kind, entry.input);
            entry.digest = rest.u64();
            sound = sound && !rest.failed();
        }
    }
    if (!sound) {
        return fail(errc::damaged, "input " + std::to_string(trace.entries.size()));
    }
    return trace;
}

}  // namespace quorate::lockmgr
