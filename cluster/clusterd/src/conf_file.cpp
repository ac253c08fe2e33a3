#include "conf_file.hpp"

#include <openssl/evp.h>

#include <utility>

#include <fmt/core.h>

#include "cluster/errc.hpp"
#include "io/durable_file.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::milliseconds kReadTime{5000};

Result<ConfFile::Text> read_conf(const std::string& path) {
    QUORATE_TRY(auto text, io::read_file(path));
    if (!text) {
        return fail(std::make_error_code(std::errc::no_such_file_or_directory), path);
    }
    QUORATE_TRY(auto conf, CorosyncConf::parse(*text, path));
    return ConfFile::Text{std::move(*text), std::move(conf)};
}

}  // namespace

std::string sha256(std::string_view text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        hex += fmt::format("{:02x}", digest[i]);
    }
    return hex;
}

awaitable<Result<ConfFile::Text>> ConfFile::read() {
    auto text = co_await workers_.run([this] { return read_conf(path_); });
    co_return text;
}

awaitable<Status> ConfFile::replace(std::string text, std::string replaces) {
    if (hand_ == nullptr) {
        co_return fail(errc::refused, "this node runs without Corosync");
    }
    const auto now = co_await read();
    if (!now) {
        co_return tl::unexpected<Error>(now.error());
    }
    if (sha256(now->text) != replaces) {
        co_return fail(errc::refused,
                       fmt::format("{} here differs from that of the node that was asked: make "
                                   "them the same first",
                                   path_));
    }
    const auto wanted = CorosyncConf::parse(text, "the new corosync.conf");
    if (!wanted) {
        co_return fail(errc::refused, wanted.error().detail);
    }
    if (wanted->cluster_name() != now->conf.cluster_name()) {
        co_return fail(errc::refused, fmt::format("the new corosync.conf is of the cluster {}",
                                                  wanted->cluster_name()));
    }
    auto replaced = co_await hand_->replace_conf(std::move(text));
    co_return replaced;
}

awaitable<Result<std::string>> ConfFile::read_authkey() {
    const auto now = co_await read();
    if (!now) {
        co_return tl::unexpected<Error>(now.error());
    }
    auto path = now->conf.value("totem", "keyfile");
    const auto cipher = now->conf.value("totem", "crypto_cipher");
    if (cipher.empty() || cipher == "none") {
        co_return std::string();
    }
    if (path.empty()) {
        path = path_.substr(0, path_.rfind('/') + 1) + "authkey";
    }
    std::vector<std::string> words{"cat"};
    words.push_back("--");
    words.push_back(path);
    auto shown = co_await hand_->run(std::move(words), kReadTime);
    if (!shown) {
        co_return tl::unexpected<Error>(std::move(shown).error());
    }
    if (shown->exit_code != 0) {
        co_return fail(std::make_error_code(std::errc::permission_denied),
                       std::move(shown->output));
    }
    co_return std::move(shown->output);
}

}  // namespace quorate::cluster
