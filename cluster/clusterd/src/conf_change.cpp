#include "conf_change.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cluster/errc.hpp"
#include "cluster/io/corosync.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::milliseconds kPutTime{10'000};
constexpr unsigned kRefusedFrom = 300;

std::string text_of_refusal(const io::ControlResponse& answer) {
    const auto* object = answer.body.if_object();
    const auto* error = object == nullptr ? nullptr : object->if_contains("error");
    const auto* fields = error == nullptr ? nullptr : error->if_object();
    const auto* message = fields == nullptr ? nullptr : fields->if_contains("message");
    const auto* text = message == nullptr ? nullptr : message->if_string();
    return text == nullptr ? boost::json::serialize(answer.body) : std::string(*text);
}

PeerRequest request_for(const std::string& text, const std::string& replaces) {
    return {"PUT", "/v1/corosync-conf",
            boost::json::object{{"text", text}, {"replaces", sha256(replaces)}}};
}

}  // namespace

awaitable<Status> ConfChange::put(const std::string& node, PeerRequest request) {
    auto answer = co_await nodes_.ask(node, std::move(request), kPutTime);
    if (!answer) {
        co_return fail(errc::refused, fmt::format("{} does not answer ({}): start it, or remove it "
                                                  "from the cluster first",
                                                  node, answer.error().detail));
    }
    if (answer->status >= kRefusedFrom) {
        co_return fail(errc::refused,
                       fmt::format("{} refuses: {}", node, text_of_refusal(*answer)));
    }
    co_return Status();
}

awaitable<Status> ConfChange::put_new(const std::string& node) {
    auto accepted = co_await put(node, request_for(wanted_->text, wanted_->old.text));
    co_return accepted;
}

awaitable<Status> ConfChange::put_old(const std::string& node) {
    auto accepted = co_await put(node, request_for(wanted_->old.text, wanted_->text));
    co_return accepted;
}

// Undoes what was done, and says what could not be undone.
awaitable<Status> ConfChange::give_up(std::string why) {
    std::string left;
    for (const auto& node : done_) {
        auto undone = co_await put_old(node);
        if (!undone) {
            left += "; it keeps the new file: " + undone.error().detail;
        }
    }
    co_return fail(errc::refused, why + (left.empty() ? "; nothing is changed on any node" : left));
}

awaitable<Status> ConfChange::replace_all() {
    for (const auto& node : wanted_->old.conf.nodes()) {
        if (node.name == wanted_->except) {
            continue;
        }
        auto accepted = co_await put_new(node.name);
        if (!accepted) {
            // It may have the new one all the same, when only its answer was lost.
            auto undone = co_await put_old(node.name);
            static_cast<void>(undone);
            auto given_up = co_await give_up(accepted.error().detail);
            co_return given_up;
        }
        done_.push_back(node.name);
    }
    auto reloaded = co_await workers_.run([] { return reload_corosync_configuration(); });
    if (!reloaded) {
        auto given_up = co_await give_up(reloaded.error().to_string());
        co_return given_up;
    }
    co_return Status();
}

awaitable<Status> ConfChange::make(Wanted& wanted) {
    if (wanted_) {
        co_return fail(errc::refused, "another change of corosync.conf is under way: repeat it");
    }
    wanted_ = std::move(wanted);
    done_.clear();
    auto made = co_await replace_all();
    wanted_.reset();
    co_return made;
}

}  // namespace quorate::cluster
