#include "quorum/request.hpp"

#include "codec.hpp"

namespace quorate::quorum {
namespace {

constexpr std::size_t kFence = 4 + 8 + 8 + 2 + kMaxReason;
static_assert(1 + kMaxFences * kFence + 2 + kMaxNote <= kMaxFields);

}  // namespace

std::string encode(const RequestPage& page) {
    std::string fields;
    ByteWriter out(fields);
    out.u8(static_cast<std::uint8_t>(page.fences.size()));
    for (const auto& fence : page.fences) {
        out.u32(fence.target.value());
        out.u64(fence.incarnation.value());
        out.u64(fence.epoch.value());
        put_text(out, fence.reason);
    }
    put_text(out, page.note);
    return seal({PageKind::kRequest, page.node, page.sequence, page.cluster}, fields);
}

Result<RequestPage> decode_request(std::string_view bytes, NodeId owner) {
    QUORATE_TRY(const auto opened, open_page(bytes, PageKind::kRequest, owner));
    ByteReader in(opened.fields);
    RequestPage page;
    page.node = owner;
    page.sequence = opened.head.sequence;
    page.cluster = opened.head.cluster;
    const auto count = in.u8();
    bool sound = count <= kMaxFences;
    for (std::size_t left = sound ? count : 0; left > 0 && sound; --left) {
        Fence fence;
        fence.target = NodeId(in.u32());
        fence.incarnation = Incarnation(in.u64());
        fence.epoch = Epoch(in.u64());
        fence.reason = get_text(in, kMaxReason, sound);
        sound = sound && has_place(fence.target);
        page.fences.push_back(std::move(fence));
    }
    page.note = get_text(in, kMaxNote, sound);
    QUORATE_CHECK(check_read(in, opened, sound));
    return page;
}

}  // namespace quorate::quorum
