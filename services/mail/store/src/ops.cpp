#include "ops.hpp"

#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

enum class Code : std::uint8_t {
    kAccount = 1,
    kMailbox = 2,
    kCounters = 3,
    kMailboxRemoved = 4,
    kKeyword = 5,
    kSubscription = 6,
    kBody = 7,
    kMessage = 8,
    kFlags = 9,
    kRemoved = 10,
    kBodyMoved = 11,
    kAccountRemoved = 12,
};

void put_code(ByteWriter& writer, Code code) { writer.u8(static_cast<std::uint8_t>(code)); }

std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

void put_ref(ByteWriter& writer, const BodyRef& ref) {
    writer.u32(ref.segment);
    writer.varint(ref.offset);
    writer.varint(ref.size);
    writer.u32(ref.crc32c);
}

BodyRef get_ref(ByteReader& reader) {
    BodyRef ref;
    ref.segment = reader.u32();
    ref.offset = reader.varint();
    ref.size = reader.varint();
    ref.crc32c = reader.u32();
    return ref;
}

void put_id(ByteWriter& writer, const Id128& id) {
    writer.u64(id.high);
    writer.u64(id.low);
}

Id128 get_id(ByteReader& reader) {
    Id128 id;
    id.high = reader.u64();
    id.low = reader.u64();
    return id;
}

std::uint32_t get_u32(ByteReader& reader) { return static_cast<std::uint32_t>(reader.varint()); }

MailboxId get_mailbox(ByteReader& reader) { return MailboxId(get_u32(reader)); }

OpAccount get_account(ByteReader& reader) {
    OpAccount op;
    op.state.modseq = reader.varint();
    op.state.next_mailbox = get_u32(reader);
    op.state.next_body = reader.varint();
    op.state.uid_validity = reader.u32();
    op.state.bytes = reader.varint();
    op.state.messages = reader.varint();
    return op;
}

OpMailbox get_mailbox_row(ByteReader& reader) {
    OpMailbox op;
    op.id = get_mailbox(reader);
    op.name = reader.blob();
    op.uid_validity = reader.u32();
    op.object_id = get_id(reader);
    op.special_use = static_cast<SpecialUse>(reader.u8());
    op.created = reader.i64();
    return op;
}

OpCounters get_counters(ByteReader& reader) {
    OpCounters op;
    op.id = get_mailbox(reader);
    op.counters.uid_next = get_u32(reader);
    op.counters.highest_modseq = reader.varint();
    op.counters.messages = get_u32(reader);
    op.counters.unseen = get_u32(reader);
    op.counters.deleted = get_u32(reader);
    op.counters.size = reader.varint();
    return op;
}

OpBody get_body(ByteReader& reader) {
    OpBody op;
    op.id = BodyId(reader.varint());
    op.ref = get_ref(reader);
    op.email_id = get_id(reader);
    op.envelope = reader.blob();
    op.body = reader.blob();
    op.bodystructure = reader.blob();
    op.structure = reader.blob();
    return op;
}

OpMessage get_message(ByteReader& reader) {
    OpMessage op;
    op.mailbox = get_mailbox(reader);
    op.message.uid = get_u32(reader);
    op.message.flags = reader.varint();
    op.message.modseq = reader.varint();
    op.message.body = BodyId(reader.varint());
    op.message.size = get_u32(reader);
    op.message.internal_date.seconds = unzigzag(reader.varint());
    op.message.internal_date.zone_minutes = static_cast<std::int16_t>(unzigzag(reader.varint()));
    op.message.save_date = unzigzag(reader.varint());
    return op;
}

OpKeyword get_keyword(ByteReader& reader) {
    OpKeyword op;
    op.id = get_mailbox(reader);
    op.index = reader.u8();
    op.name = reader.blob();
    return op;
}

OpSubscription get_subscription(ByteReader& reader) {
    OpSubscription op;
    op.name = reader.blob();
    op.subscribed = reader.u8() != 0;
    return op;
}

bool get_flags(ByteReader& reader, OpFlags& op) {
    op.mailbox = get_mailbox(reader);
    op.modseq = reader.varint();
    op.clear = reader.u64();
    op.set = reader.u64();
    return get_ranges(reader, op.uids);
}

bool get_removed(ByteReader& reader, OpRemoved& op) {
    op.mailbox = get_mailbox(reader);
    op.modseq = reader.varint();
    return get_ranges(reader, op.uids);
}

OpBodyMoved get_body_moved(ByteReader& reader) {
    OpBodyMoved op;
    op.id = BodyId(reader.varint());
    op.ref = get_ref(reader);
    return op;
}

// False: not sound.
bool get_op(ByteReader& reader, Code code, Op& op) {
    switch (code) {
        case Code::kAccount:
            op = get_account(reader);
            return true;
        case Code::kMailbox:
            op = get_mailbox_row(reader);
            return true;
        case Code::kCounters:
            op = get_counters(reader);
            return true;
        case Code::kMailboxRemoved:
            op = OpMailboxRemoved{get_mailbox(reader)};
            return true;
        case Code::kKeyword:
            op = get_keyword(reader);
            return std::get<OpKeyword>(op).index < kKeywordsMax;
        case Code::kSubscription:
            op = get_subscription(reader);
            return true;
        case Code::kBody:
            op = get_body(reader);
            return true;
        case Code::kMessage:
            op = get_message(reader);
            return true;
        case Code::kFlags:
            return get_flags(reader, op.emplace<OpFlags>());
        case Code::kRemoved:
            return get_removed(reader, op.emplace<OpRemoved>());
        case Code::kBodyMoved:
            op = get_body_moved(reader);
            return true;
        case Code::kAccountRemoved:
            op = OpAccountRemoved{};
            return true;
    }
    return false;
}

}  // namespace

OpWriter::OpWriter() : writer_(out_) {
    out_.reserve(256);
    writer_.u8(kOpsVersion);
}

void OpWriter::put(const OpAccount& op) {
    put_code(writer_, Code::kAccount);
    writer_.varint(op.state.modseq);
    writer_.varint(op.state.next_mailbox);
    writer_.varint(op.state.next_body);
    writer_.u32(op.state.uid_validity);
    writer_.varint(op.state.bytes);
    writer_.varint(op.state.messages);
}

void OpWriter::put(const OpMailbox& op) {
    put_code(writer_, Code::kMailbox);
    writer_.varint(op.id.value());
    writer_.blob(op.name);
    writer_.u32(op.uid_validity);
    put_id(writer_, op.object_id);
    writer_.u8(static_cast<std::uint8_t>(op.special_use));
    writer_.i64(op.created);
}

void OpWriter::put(const OpCounters& op) {
    put_code(writer_, Code::kCounters);
    writer_.varint(op.id.value());
    writer_.varint(op.counters.uid_next);
    writer_.varint(op.counters.highest_modseq);
    writer_.varint(op.counters.messages);
    writer_.varint(op.counters.unseen);
    writer_.varint(op.counters.deleted);
    writer_.varint(op.counters.size);
}

void OpWriter::put(const OpMailboxRemoved& op) {
    put_code(writer_, Code::kMailboxRemoved);
    writer_.varint(op.id.value());
}

void OpWriter::put(const OpKeyword& op) {
    put_code(writer_, Code::kKeyword);
    writer_.varint(op.id.value());
    writer_.u8(op.index);
    writer_.blob(op.name);
}

void OpWriter::put(const OpSubscription& op) {
    put_code(writer_, Code::kSubscription);
    writer_.blob(op.name);
    writer_.u8(op.subscribed ? 1 : 0);
}

void OpWriter::put(const OpBody& op) {
    put_code(writer_, Code::kBody);
    writer_.varint(op.id.value());
    put_ref(writer_, op.ref);
    put_id(writer_, op.email_id);
    writer_.blob(op.envelope);
    writer_.blob(op.body);
    writer_.blob(op.bodystructure);
    writer_.blob(op.structure);
}

void OpWriter::put(const OpMessage& op) {
    put_code(writer_, Code::kMessage);
    writer_.varint(op.mailbox.value());
    writer_.varint(op.message.uid);
    writer_.varint(op.message.flags);
    writer_.varint(op.message.modseq);
    writer_.varint(op.message.body.value());
    writer_.varint(op.message.size);
    writer_.varint(zigzag(op.message.internal_date.seconds));
    writer_.varint(zigzag(op.message.internal_date.zone_minutes));
    writer_.varint(zigzag(op.message.save_date));
}

void OpWriter::put(const OpFlags& op) {
    put_code(writer_, Code::kFlags);
    writer_.varint(op.mailbox.value());
    writer_.varint(op.modseq);
    writer_.u64(op.clear);
    writer_.u64(op.set);
    put_ranges(writer_, op.uids);
}

void OpWriter::put(const OpRemoved& op) {
    put_code(writer_, Code::kRemoved);
    writer_.varint(op.mailbox.value());
    writer_.varint(op.modseq);
    put_ranges(writer_, op.uids);
}

void OpWriter::put(const OpBodyMoved& op) {
    put_code(writer_, Code::kBodyMoved);
    writer_.varint(op.id.value());
    put_ref(writer_, op.ref);
}

void OpWriter::put(const OpAccountRemoved&) { put_code(writer_, Code::kAccountRemoved); }

OpReader::OpReader(std::string_view bytes) : reader_(bytes) {}

Result<bool> OpReader::next(Op& op) {
    if (first_) {
        first_ = false;
        if (const auto version = reader_.u8(); version != kOpsVersion) {
            return fail(errc::unsupported_version, "redo version " + std::to_string(version));
        }
    }
    if (reader_.at_end()) {
        return false;
    }
    const auto at = reader_.offset();
    const auto code = reader_.u8();
    const bool sound = get_op(reader_, static_cast<Code>(code), op);
    if (!sound || reader_.failed()) {
        return fail(errc::damaged,
                    "redo operation " + std::to_string(code) + " at octet " + std::to_string(at));
    }
    return true;
}

}  // namespace quorate::mail::store
