#include "survey.hpp"

#include <utility>

#include "io/durable_file.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::milliseconds kFresh{500};
constexpr std::chrono::milliseconds kPatience{500};

struct Answer {
    std::vector<CorosyncConf::Node> configured;  // empty: corosync.conf cannot be read just now
    Survey::Findings findings;
};

Result<Answer> ask(const Survey::Subject& subject) {
    Answer answer;
    const auto text = io::read_file(subject.conf_path);
    if (text && *text) {
        if (const auto conf = CorosyncConf::parse(**text, subject.conf_path)) {
            answer.configured = conf->nodes();
        }
    }
    if (auto votes = query_votes(subject.node)) {
        answer.findings.votes = std::move(*votes);
    }
    for (const auto& node : answer.configured) {
        if (node.id == subject.node) {
            continue;
        }
        if (auto links = query_links(node.id)) {
            answer.findings.links.emplace(node.id, std::move(*links));
        }
    }
    return answer;
}

}  // namespace

awaitable<void> Survey::refresh() {
    if (subject_.node == 0 || (looked_ != MonoTime() && io::mono_now() - looked_ < kFresh)) {
        co_return;
    }
    if (!looking_) {
        looking_ = true;
        done_.reset();
        scope_.spawn(look());
    }
    auto answered = co_await done_.wait(io::after(kPatience));
    static_cast<void>(answered);
}

awaitable<void> Survey::look() {
    auto answer = co_await workers_.run([this] { return ask(subject_); });
    if (answer) {
        findings_ = std::move(answer->findings);
        if (!answer->configured.empty()) {
            nodes_.set_configured(std::move(answer->configured));
        }
    }
    looked_ = io::mono_now();
    looking_ = false;
    done_.set();
}

}  // namespace quorate::cluster
