#include "message.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "lockmgr/errc.hpp"
#include "store.hpp"

namespace quorate::lockmgr {
namespace {

bool valid(const TreeImage& tree);

}  // namespace

// Both directions walk the same list of fields (each() below).
class Encoder {
public:
    explicit Encoder(std::string& out) : out_(out) {}

    template <class... Fields>
    void operator()(Fields&... fields) {
        (put(fields), ...);
    }

private:
    void put(const bool& value) { out_.u8(value ? 1 : 0); }
    template <class T>
    requires std::is_unsigned_v<T>
    void put(const T& value) { out_.varint(value); }
    void put(const std::int64_t& value) {
        out_.varint((static_cast<std::uint64_t>(value) << 1) ^
                    static_cast<std::uint64_t>(value >> 63));
    }
    template <class Tag, class Rep>
    void put(const Strong<Tag, Rep>& value) {
        out_.varint(value.value());
    }
    template <class T>
    requires std::is_enum_v<T>
    void put(const T& value) { out_.u8(static_cast<std::uint8_t>(value)); }
    void put(const std::string& value) { out_.blob(value); }
    void put(const MaybeValue& value) {
        out_.u8(value ? 1 : 0);
        if (value) {
            out_.raw({value->data(), value->size()});
        }
    }
    template <class T>
    void put(const std::vector<T>& list) {
        out_.varint(list.size());
        for (const auto& entry : list) {
            put(entry);
        }
    }
    void put(const TreeImages& trees) {
        out_.varint(trees.count());
        out_.raw(trees.bytes_);
    }
    template <class T>
    requires std::is_class_v<T>
    void put(const T& value);

    ByteWriter out_;
};

namespace {

template <class T>
constexpr std::uint8_t last_of() {
    if constexpr (std::is_same_v<T, LockMode>) {
        return kModes - 1;
    } else {
        static_assert(std::is_same_v<T, LockStatus>);
        return static_cast<std::uint8_t>(LockStatus::kExists);
    }
}

}  // namespace

// What it reads into may be used: nothing of that is left.
class Decoder {
public:
    explicit Decoder(std::string_view bytes) : bytes_(bytes), in_(bytes) {}

    template <class... Fields>
    void operator()(Fields&... fields) {
        (get(fields), ...);
    }
    bool sound() const { return sound_ && in_.complete(); }

private:
    void get(bool& value) {
        const auto octet = in_.u8();
        value = octet == 1;
        sound_ = sound_ && octet <= 1;
    }
    template <class T>
    requires std::is_unsigned_v<T>
    void get(T& value) {
        const auto wide = in_.varint();
        value = static_cast<T>(wide);
        sound_ = sound_ && value == wide;
    }
    void get(std::int64_t& value) {
        const auto wide = in_.varint();
        value = static_cast<std::int64_t>((wide >> 1) ^ (~(wide & 1) + 1));
    }
    template <class Tag, class Rep>
    void get(Strong<Tag, Rep>& value) {
        Rep rep{};
        get(rep);
        value = Strong<Tag, Rep>(rep);
    }
    template <class T>
    requires std::is_enum_v<T>
    void get(T& value) {
        const auto octet = in_.u8();
        sound_ = sound_ && octet <= last_of<T>();
        value = static_cast<T>(octet <= last_of<T>() ? octet : 0);
    }
    void get(std::string& value) {
        const auto bytes = in_.blob();
        sound_ = sound_ && bytes.size() <= kMaxText;
        value = sound_ ? bytes : std::string_view{};
    }
    void get(MaybeValue& value) {
        const auto octet = in_.u8();
        sound_ = sound_ && octet <= 1;
        value.reset();
        if (octet == 1) {
            const auto bytes = in_.raw(kValueBlockSize);
            if (bytes.size() == kValueBlockSize) {
                value.emplace();
                bytes.copy(value->data(), kValueBlockSize);
            }
        }
    }
    template <class T>
    void get(std::vector<T>& list) {
        const auto count = in_.varint();
        if (count > kMaxList) {
            sound_ = false;
            return;
        }
        std::size_t read = 0;
        for (; read < count && sound_ && !in_.failed(); ++read) {
            get(read < list.size() ? list[read] : list.emplace_back());
        }
        list.resize(read);
    }
    void get(TreeImages& trees) {
        const auto count = in_.varint();
        sound_ = sound_ && count <= kMaxList;
        const auto begin = in_.offset();
        TreeImage tree;
        for (std::uint64_t i = 0; i < count && sound_ && !in_.failed(); ++i) {
            get(tree);
            sound_ = sound_ && valid(tree);
            trees.ends_.push_back(static_cast<std::uint32_t>(in_.offset() - begin));
        }
        trees.bytes_ = bytes_.substr(begin, in_.offset() - begin);
    }
    template <class T>
    requires std::is_class_v<T>
    void get(T& value);

    static constexpr std::size_t kMaxText = 4 * (kMaxKey + 4);  // a key made printable

    std::string_view bytes_;
    ByteReader in_;
    bool sound_ = true;
};

namespace {

// ---- the fields

template <class Walk>
void each(Walk& walk, EnqueueMessage& m) {
    walk(m.origin, m.root, m.parent, m.name, m.lock, m.op, m.pid, m.xid, m.priority, m.mode,
         m.flags, m.entry_token);
}
template <class Walk>
void each(Walk& walk, ConvertMessage& m) {
    walk(m.lock, m.op, m.mode, m.flags, m.value);
}
template <class Walk>
void each(Walk& walk, DequeueMessage& m) {
    walk(m.lock, m.flags, m.value);
}
template <class Walk>
void each(Walk& walk, CancelMessage& m) {
    walk(m.lock, m.op, m.status);
}
template <class Walk>
void each(Walk& walk, QueuedMessage& m) {
    walk(m.lock, m.op, m.order, m.granted);
}
template <class Walk>
void each(Walk& walk, GrantedMessage& m) {
    walk(m.lock, m.op, m.mode, m.bits, m.token, m.order, m.seq, m.seen, m.value);
}
template <class Walk>
void each(Walk& walk, RefusedMessage::Opponent& m) {
    walk(m.node, m.lock, m.pid, m.xid, m.requested);
}
template <class Walk>
void each(Walk& walk, RefusedMessage& m) {
    walk(m.lock, m.op, m.status, m.opponents, m.granted);
}
template <class Walk>
void each(Walk& walk, BlockingMessage& m) {
    walk(m.lock, m.mode, m.node, m.pid);
}
template <class Walk>
void each(Walk& walk, BounceMessage& m) {
    walk(m.lock, m.op);
}
template <class Walk>
void each(Walk& walk, AssignMessage& m) {
    walk(m.root, m.token);
}
template <class Walk>
void each(Walk& walk, ClaimMessage::Entry& m) {
    walk(m.root, m.master, m.token);
}
template <class Walk>
void each(Walk& walk, ClaimMessage& m) {
    walk(m.entries, m.move);
}
template <class Walk>
void each(Walk& walk, ClaimedMessage& m) {
    walk(m.root, m.move);
}
template <class Walk>
void each(Walk& walk, VacateMessage& m) {
    walk(m.root, m.token);
}
template <class Walk>
void each(Walk& walk, LockImage& m) {
    walk(m.node, m.lock, m.op, m.pid, m.xid, m.priority, m.flags, m.queue, m.granted, m.requested,
         m.highbast, m.order, m.token, m.seq, m.seen, m.invalid, m.value);
}
template <class Walk>
void each(Walk& walk, ResourceImage& m) {
    walk(m.path, m.seq, m.invalid, m.value, m.locks);
}
template <class Walk>
void each(Walk& walk, TreeImage& m) {
    walk(m.root, m.resources);
}
template <class Walk>
void each(Walk& walk, RebuildMessage& m) {
    walk(m.trees);
}
template <class Walk>
void each(Walk&, DoneMessage&) {}
template <class Walk>
void each(Walk& walk, MasteredMessage::Entry& m) {
    walk(m.root, m.master);
}
template <class Walk>
void each(Walk& walk, MasteredMessage& m) {
    walk(m.entries);
}
template <class Walk>
void each(Walk& walk, StopMessage& m) {
    walk(m.root, m.move, m.target);
}
template <class Walk>
void each(Walk& walk, StoppedMessage& m) {
    walk(m.root, m.move);
}
template <class Walk>
void each(Walk& walk, ResumeMessage& m) {
    walk(m.root, m.move, m.lost);
}
template <class Walk>
void each(Walk& walk, TransferMessage& m) {
    walk(m.tree, m.move, m.last, m.token, m.head, m.tail, m.moves, m.users);
}
template <class Walk>
void each(Walk& walk, MovedMessage& m) {
    walk(m.root);
}
template <class Walk>
void each(Walk& walk, MoveDoneMessage& m) {
    walk(m.root, m.move);
}
template <class Walk>
void each(Walk& walk, Blocker& m) {
    walk(m.node, m.lock, m.token, m.op);
}
template <class Walk>
void each(Walk& walk, LookMessage::Name& m) {
    walk(m.node, m.lock, m.op);
}
template <class Walk>
void each(Walk& walk, LookMessage& m) {
    walk(m.round, m.waiters, m.blockers);
}
template <class Walk>
void each(Walk& walk, SeenMessage::Set& m) {
    walk(m.requested, m.alternative, m.holders);
}
template <class Walk>
void each(Walk& walk, SeenMessage::Waits& m) {
    walk(m.waiter, m.set, m.ahead);
}
template <class Walk>
void each(Walk& walk, SeenMessage::Waiter& m) {
    walk(m.lock, m.op, m.pid, m.priority, m.since, m.requested, m.master, m.resource);
}
template <class Walk>
void each(Walk& walk, SeenMessage::Owner& m) {
    walk(m.xid, m.waiters);
}
template <class Walk>
void each(Walk& walk, SeenMessage::Stands& m) {
    walk(m.name, m.granted, m.owner);
}
template <class Walk>
void each(Walk& walk, SeenMessage& m) {
    walk(m.round, m.sets, m.waits, m.owners, m.stands);
}
template <class Walk>
void each(Walk&, NudgeMessage&) {}
template <class Walk>
void each(Walk& walk, PurgeMessage& m) {
    walk(m.pid);
}
template <class Walk>
void each(Walk& walk, Domain& m) {
    walk(m.name, m.uid, m.gid, m.mode);
}
template <class Walk>
void each(Walk& walk, DomainUseMessage& m) {
    walk(m.domain, m.version, m.defined);
}
template <class Walk>
void each(Walk& walk, DomainLeftMessage& m) {
    walk(m.name);
}
template <class Walk>
void each(Walk& walk, DomainMessage& m) {
    walk(m.domain, m.version);
}
template <class Walk>
void each(Walk& walk, DefineMessage& m) {
    walk(m.number, m.uid, m.domain, m.fresh);
}
template <class Walk>
void each(Walk& walk, DefinedMessage& m) {
    walk(m.number, m.status);
}

}  // namespace

template <class T>
requires std::is_class_v<T>
void Encoder::put(const T& value) {
    each(*this, const_cast<T&>(value));  // the walk only reads
}
template <class T>
requires std::is_class_v<T>
void Decoder::get(T& value) { each(*this, value); }

namespace {

// ---- what the fields must satisfy beyond their types

bool valid(const TreeImage& tree) {
    for (const auto& resource : tree.resources) {
        if (resource.path.size() >= kMaxDepth) {
            return false;
        }
        for (const auto& name : resource.path) {
            if (name.size() > kMaxName) {
                return false;
            }
        }
        for (const auto& lock : resource.locks) {
            if (lock.queue < 1 || lock.queue > 3) {
                return false;
            }
        }
    }
    return valid_root_key(tree.root);
}

bool valid(const EnqueueMessage& m) {
    const bool root = m.parent == LockId(0);
    return m.name.size() <= kMaxName && (root ? valid_root_key(m.root) : m.root.empty()) &&
           (m.flags & ~flag::kAll) == 0;
}
bool valid(const ConvertMessage& m) { return (m.flags & ~flag::kAll) == 0; }
bool valid(const DequeueMessage& m) { return (m.flags & ~flag::kAll) == 0; }
bool valid(const CancelMessage& m) {
    return m.status == LockStatus::kCancelled || m.status == LockStatus::kDeadlock;
}
bool valid(const TransferMessage& m) {
    return m.users.size() <= cluster::kMaxMembers && valid(m.tree);
}
template <class T>
requires requires(const T& m) { m.domain; }
bool valid(const T& m) {
    return !m.domain.name.empty() && m.domain.name.size() <= kMaxDomain && m.domain.mode <= 0777;
}
template <class T>
requires requires(const T& m) { m.entries; }
bool valid(const T& m) {
    return std::ranges::all_of(m.entries,
                               [](const auto& entry) { return valid_root_key(entry.root); });
}
template <class T>
requires requires(const T& m) { m.root; }
bool valid(const T& m) { return valid_root_key(m.root); }
template <class T>
bool valid(const T&) {
    return true;
}

// ---- by kind: the variant's index

template <std::size_t kKind = 0>
bool decode_kind(std::size_t kind, std::string_view bytes, Message& message) {
    if constexpr (kKind < std::variant_size_v<Message>) {
        if (kind != kKind) {
            return decode_kind<kKind + 1>(kind, bytes, message);
        }
        auto& content = message.emplace<kKind>();
        Decoder decoder(bytes);
        each(decoder, content);
        return decoder.sound() && valid(content);
    }
    return false;
}

tl::unexpected<Error> damaged(std::string what) { return fail(errc::damaged, std::move(what)); }

}  // namespace

void TreeImages::add(const TreeImage& tree) {
    Encoder encoder(bytes_);
    encoder(tree);
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
}

// The root comes first.
std::string_view root_of_image(std::string_view encoded) { return ByteReader(encoded).blob(); }

void decode_image(std::string_view encoded, TreeImage& tree) {
    Decoder decoder(encoded);
    decoder(tree);
    QUORATE_ASSERT(decoder.sound());
}

std::string encode(const Message& message) {
    std::string bytes(1, static_cast<char>(message.index()));
    std::visit(
        [&](const auto& content) {
            Encoder encoder(bytes);
            each(encoder, const_cast<std::remove_cvref_t<decltype(content)>&>(content));
        },
        message);
    return bytes;
}

Result<Message> decode_message(std::string_view body) {
    Message message;
    if (body.empty() ||
        !decode_kind(static_cast<unsigned char>(body.front()), body.substr(1), message)) {
        return damaged("a message of the lock manager contradicts its format");
    }
    return message;
}

}  // namespace quorate::lockmgr
