#include <cctype>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/crc32c.hpp"
#include "frame.hpp"
#include "ops.hpp"
#include "schema.hpp"

// What docs/formats says is what the code does.
namespace quorate::mail::store {
namespace {

std::string read_page(const std::string& name) {
    std::ifstream file(QUORATE_SOURCE_DIR "/docs/formats/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The first block between fences behind `heading`.
std::string block_behind(const std::string& page, const std::string& fence,
                         const std::string& heading) {
    const auto start = page.find("\n" + fence + "\n", page.find(heading));
    if (start == std::string::npos) {
        return "no block behind " + heading;
    }
    const auto begin = start + fence.size() + 2;
    return page.substr(begin, page.find("```", begin) - begin);
}

// Pairs of digits up to two spaces; the rest of a line explains.
std::string octets_of(const std::string& block) {
    std::string octets;
    for (std::size_t at = 0; at < block.size(); at = block.find('\n', at) + 1) {
        for (; std::isxdigit(static_cast<unsigned char>(block[at])) != 0; at += 3) {
            octets += static_cast<char>(std::stoi(block.substr(at, 2), nullptr, 16));
        }
    }
    return octets;
}

std::string frame(FrameType type, std::uint64_t lsn, std::string data) {
    FrameHeader header;
    header.type = type;
    header.meta_bytes = 8;
    header.data_bytes = static_cast<std::uint32_t>(data.size());
    header.store_tag = store_tag({1, 2});
    header.lsn = lsn;
    header.behind = static_cast<std::uint32_t>(lsn);
    header.data_crc = crc32c(data);
    auto bytes = encode(header, std::string("\x07\0\0\0\0\0\0\0", 8)) + data;
    bytes.resize(header.frame_bytes());
    return bytes;
}

TEST(MailJournalPage, TheWorkedExampleIsWhatTheCodeWrites) {
    SegmentHeader header;
    header.segment = 1;
    header.store = {1, 2};
    header.capacity = 4096;
    header.first_lsn = 1;
    OpWriter ops;
    ops.put(OpSubscription{"a", true});
    ops.put(OpAccount{{1, 2, 1, 1'750'000'000, 0, 0}});
    const auto written = encode(header) + frame(FrameType::kBody, 1, "Hi\r\n") +
                         frame(FrameType::kChange, 2, ops.take());
    EXPECT_EQ(octets_of(block_behind(read_page("mail-journal.md"), "```", "## Worked example")),
              written);
}

TEST(MailAccountPage, ItsSchemaIsTheCodes) {
    EXPECT_EQ("\n" + block_behind(read_page("mail-account.md"), "```sql", "# Mail account"),
              account_schema());
}

}  // namespace
}  // namespace quorate::mail::store
