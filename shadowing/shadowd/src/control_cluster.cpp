#include <charconv>
#include <chrono>
#include <memory>

#include "io/control_fields.hpp"
#include "io/event.hpp"
#include "io/time.hpp"
#include "shadowd.hpp"
#include "shadowing/cluster/witness_json.hpp"

// What the shadowds of other nodes ask (docs/protocols/shadow-cluster.md).
namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

constexpr std::chrono::milliseconds kDrainTime{2000};  // below what the relay waits for an answer

class PeerControl {
public:
    explicit PeerControl(Shadowd& shadowd) : shadowd_(shadowd) {}

    awaitable<ControlResponse> witness(ControlRequest request) {
        const auto block = witness_block_from(request.body);
        if (!block) {
            co_return ControlResponse::error(400, "bad_request", block.error().detail);
        }
        const auto known = shadowd_.witness_files().learn(*block);
        if (!known) {
            co_return ControlResponse::error(500, "failed", known.error().to_string());
        }
        ControlResponse response;
        response.body = to_json(*known);
        co_return response;
    }

    awaitable<ControlResponse> lost(ControlRequest request) {
        io::ControlFields fields(request.body);
        const auto set = parse_id128(fields.text("set"));
        const auto slot = fields.optional_number("slot");
        const auto node = fields.optional_number("node_id");
        const auto text = fields.text("incarnation");
        std::uint64_t incarnation = 0;
        const auto* end = text.data() + text.size();
        const bool whole = std::from_chars(text.data(), end, incarnation, 16).ptr == end;
        if (!set || !slot || *slot >= kMaxOpeners || !node || *node > UINT32_MAX || !whole) {
            fields.complain("set", "slot, node_id or incarnation is none");
        }
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        shadowd_.opener_lost(*set, OpenerSlot(static_cast<std::uint16_t>(*slot)),
                             {cluster::NodeId(static_cast<std::uint32_t>(*node)),
                              cluster::Incarnation(incarnation)});
        co_return ControlResponse();
    }

    // Answered when nothing of that opener is under way on the disks that this node serves.
    awaitable<ControlResponse> drop(ControlRequest request) {
        io::ControlFields fields(request.body);
        const auto node = fields.optional_number("node_id");
        const auto incarnation = parse_hex64(fields.text("incarnation"));
        const auto process = parse_hex64(fields.text("process"));
        if (!node || *node > UINT32_MAX || !incarnation || !process || *process == 0) {
            fields.complain("node_id", "incarnation or process is none");
        }
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        const ServedOpener opener{{cluster::NodeId(static_cast<std::uint32_t>(*node)),
                                   cluster::Incarnation(*incarnation)},
                                  *process};
        // Shared with the drop, which may end later.
        const auto drained = std::make_shared<io::Event>(shadowd_.io());
        shadowd_.drop(opener, 0, [drained] { drained->set(); });
        auto ended = co_await drained->wait(io::after(kDrainTime));
        if (!ended) {
            co_return ControlResponse::error(503, "draining",
                                             "requests are under way yet: ask again");
        }
        co_return ControlResponse();
    }

    awaitable<ControlResponse> disk(ControlRequest request) {
        io::ControlFields fields(request.body);
        const auto path = fields.text("path");
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        const auto* served = shadowd_.served().find(path);
        if (served == nullptr) {
            co_return ControlResponse::error(404, "not_found", path + " is not served");
        }
        ControlResponse response;
        response.body = boost::json::object{{"name", served->name}, {"address", served->address}};
        co_return response;
    }

    // A disk of this node is labelled as a new member of a set, unless it is one.
    awaitable<ControlResponse> prepare(ControlRequest request) {
        io::ControlFields fields(request.body);
        auto path = fields.text("path");
        Label like;
        like.unit = fields.text("unit");
        const auto set = parse_id128(fields.text("set"));
        const auto lineage = parse_id128(fields.text("lineage"));
        const auto blocks = fields.optional_number("blocks");
        const auto shift = fields.optional_number("block_shift");
        const auto openers = fields.optional_number("openers");
        const bool force = fields.optional_flag("force").value_or(false);
        if (!set || !lineage || !blocks || !shift || *shift > UINT8_MAX || !openers ||
            *openers > kMaxOpeners || !is_unit_name(like.unit)) {
            fields.complain("set", "unit, lineage, blocks, block_shift or openers is none");
        }
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        like.set = *set;
        like.lineage = *lineage;
        like.set_blocks = *blocks;
        like.layout.block_shift = static_cast<std::uint8_t>(*shift);
        like.layout.openers = static_cast<std::uint16_t>(*openers);
        auto ready = co_await shadowd_.prepare(std::move(path), std::move(like), force);
        co_return answer_of(ready);
    }

    awaitable<ControlResponse> know(ControlRequest request) {
        io::ControlFields fields(request.body);
        const auto set = parse_id128(fields.text("set"));
        const auto disk = fields.text("disk");
        if (!set) {
            fields.complain("set", "wants 32 hexadecimal digits");
        }
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        co_return answer_of(shadowd_.know(*set, disk));
    }

private:
    static ControlResponse answer_of(const Status& status) {
        return status ? ControlResponse()
                      : ControlResponse::error(409, "refused", status.error().to_string());
    }

    Shadowd& shadowd_;
};

}  // namespace

void add_peer_routes(io::ControlServer& server, Shadowd& shadowd) {
    // Owned by its routes.
    const auto control = std::make_shared<PeerControl>(shadowd);
    server.route("PUT", "/v1/shadow/cluster/witness", [control](ControlRequest request) {
        return control->witness(std::move(request));
    });
    server.route("POST", "/v1/shadow/cluster/disk",
                 [control](ControlRequest request) { return control->disk(std::move(request)); });
    server.route("POST", "/v1/shadow/cluster/drop",
                 [control](ControlRequest request) { return control->drop(std::move(request)); });
    server.route("POST", "/v1/shadow/cluster/prepare", [control](ControlRequest request) {
        return control->prepare(std::move(request));
    });
    server.route("POST", "/v1/shadow/cluster/know",
                 [control](ControlRequest request) { return control->know(std::move(request)); });
    server.route("POST", "/v1/shadow/cluster/lost",
                 [control](ControlRequest request) { return control->lost(std::move(request)); });
}

}  // namespace quorate::shadowing
