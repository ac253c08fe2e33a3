#include "quorum/io/format.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "quorum/errc.hpp"
#include "quorum/io/fitness.hpp"

namespace quorate::quorum {
namespace {

bool is_blank(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

std::string DiskContent::text() const {
    if (header) {
        return fmt::format("a quorum disk of the cluster {}", header->label);
    }
    return blank ? "blank" : "not blank";
}

Result<DiskContent> inspect(boost::asio::io_context& io, Disk& disk) {
    const auto pages =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(disk.pages(), pages_for(kMaxNodes)));
    if (pages < pages_for(1)) {
        return fail(errc::unfit,
                    fmt::format("it has {} pages, one node needs {}", disk.pages(), pages_for(1)));
    }
    QUORATE_TRY(const auto bytes, read_now(io, disk, 0, pages));
    const std::string_view all = bytes;
    DiskContent content;
    content.blank = is_blank(all);
    content.objection = objection_to_content(all.substr(0, kPageBytes));
    if (auto header =
            decode_header(all.substr(0, kPageBytes), all.substr(kPageBytes, kPageBytes))) {
        content.header = std::move(*header);
    }
    for (std::uint32_t n = 1; pages_for(n) <= pages; ++n) {
        if (auto page = newest_heartbeat(all, NodeId(n))) {
            content.voters.push_back(std::move(*page));
        }
    }
    return content;
}

// The header is gone first and there again last: in between it is no quorum disk.
Status format(boost::asio::io_context& io, Disk& disk, const Header& header) {
    const auto pages = pages_for(header.nodes);
    if (disk.pages() < pages) {
        return fail(errc::unfit, fmt::format("it has {} pages, {} nodes need {}", disk.pages(),
                                             header.nodes, pages));
    }
    QUORATE_CHECK(write_now(io, disk, 0, std::string(kHeaderCopies * kPageBytes, '\0')));
    QUORATE_CHECK(write_now(io, disk, kHeaderCopies,
                            std::string((pages - kHeaderCopies) * kPageBytes, '\0')));
    for (std::uint16_t copy = 0; copy < kHeaderCopies; ++copy) {
        QUORATE_CHECK(write_now(io, disk, copy, encode(header, copy)));
    }
    return {};
}

}  // namespace quorate::quorum
