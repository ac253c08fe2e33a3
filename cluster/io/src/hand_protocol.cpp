#include "hand_protocol.hpp"

#include <type_traits>

#include "base/bytes.hpp"

namespace quorate::cluster {
namespace {

enum class Kind : std::uint8_t { kRun = 1, kReplaceConf = 2, kOutput = 3, kDone = 4 };

void put_kind(ByteWriter& writer, Kind kind, std::uint64_t id) {
    writer.u8(static_cast<std::uint8_t>(kind));
    writer.u64(id);
}

tl::unexpected<Error> malformed() {
    return fail(std::make_error_code(std::errc::bad_message),
                "malformed packet between the halves of clusterd");
}

HandRun read_run(ByteReader& reader, std::uint64_t id) {
    HandRun run;
    run.id = id;
    run.timeout_ms = reader.u32();
    const auto count = reader.varint();
    for (std::uint64_t i = 0; i < count && i < kCommandWordsMax && !reader.failed(); ++i) {
        run.words.emplace_back(reader.blob());
    }
    return run;
}

}  // namespace

std::string encode(const HandRequest& request) {
    std::string out;
    ByteWriter writer(out);
    if (const auto* run = std::get_if<HandRun>(&request)) {
        put_kind(writer, Kind::kRun, run->id);
        writer.u32(run->timeout_ms);
        writer.varint(run->words.size());
        for (const auto& word : run->words) {
            writer.blob(word);
        }
    } else {
        const auto& replace = std::get<HandReplaceConf>(request);
        put_kind(writer, Kind::kReplaceConf, replace.id);
        writer.blob(replace.text);
    }
    return out;
}

std::string encode(const HandReply& reply) {
    std::string out;
    ByteWriter writer(out);
    if (const auto* output = std::get_if<HandOutput>(&reply)) {
        put_kind(writer, Kind::kOutput, output->id);
        writer.blob(output->bytes);
    } else {
        const auto& done = std::get<HandDone>(reply);
        put_kind(writer, Kind::kDone, done.id);
        writer.u32(done.exit_code);
        writer.blob(done.problem);
    }
    return out;
}

Result<HandRequest> decode_hand_request(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto kind = static_cast<Kind>(reader.u8());
    const auto id = reader.u64();
    HandRequest request;
    if (kind == Kind::kRun) {
        request = read_run(reader, id);
        if (std::get<HandRun>(request).words.empty()) {
            return malformed();
        }
    } else if (kind == Kind::kReplaceConf) {
        request = HandReplaceConf{id, std::string(reader.blob())};
    } else {
        return malformed();
    }
    if (!reader.complete()) {
        return malformed();
    }
    return request;
}

Result<HandReply> decode_hand_reply(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto kind = static_cast<Kind>(reader.u8());
    const auto id = reader.u64();
    HandReply reply;
    if (kind == Kind::kOutput) {
        reply = HandOutput{id, std::string(reader.blob())};
    } else if (kind == Kind::kDone) {
        const auto exit_code = reader.u32();
        reply = HandDone{id, exit_code, std::string(reader.blob())};
    } else {
        return malformed();
    }
    if (!reader.complete()) {
        return malformed();
    }
    return reply;
}

}  // namespace quorate::cluster
