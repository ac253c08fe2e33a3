// A mechanism on the first line, responses on the others (\n stands for the end of one): nobody
// gets in without the password.

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/input.hpp"
#include "mail/auth/directory.hpp"
#include "mail/auth/sasl.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail;

// A directory with one account, which the fuzzer does not change.
std::unique_ptr<auth::Directory> make_directory() {
    auto directory = auth::Directory::open(":memory:");
    QUORATE_ASSERT(directory.has_value());
    QUORATE_ASSERT((*directory)->add_domain("example.test").has_value());
    auth::AccountRecord record;
    record.address = "ann@example.test";
    record.secrets = {"{PLAIN}pencil",
                      auth::make_scram_secret("pencil", "salt salt salt 1", /*iterations=*/1)};
    QUORATE_ASSERT((*directory)->add_account(record).has_value());
    return std::move(*directory);
}

auth::Credentials& credentials() {
    static const auto directory = make_directory();
    static auth::Credentials made(*directory, [] {
        auth::Credentials::Options options;
        options.default_domain = "example.test";
        options.cost = {/*yescrypt=*/1, /*scram_iterations=*/1};
        return options;
    }());
    return made;
}

// No input without the password's letters may succeed; SCRAM needs the server's nonce, which an
// input cannot know.
void check(const SaslOutcome& outcome, std::string_view mechanism, std::string_view input) {
    if (outcome.kind == SaslOutcome::Kind::kSuccess) {
        QUORATE_ASSERT(outcome.text == "ann@example.test" && outcome.account == 1);
        QUORATE_ASSERT(input.find("pencil") != input.npos && mechanism != "SCRAM-SHA-256");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr int kSteps = 4;
    const auto whole = fuzz::as_text(data, size);
    fuzz::Input input(data, size);
    const std::string mechanism(input.line());
    auth::SaslExchange exchange(credentials(), mechanism);
    const auto first = input.line();
    auto outcome = exchange.start(
        MonoTime{}, first == "-" ? std::nullopt : std::optional<std::string>(std::string(first)));
    check(outcome, mechanism, whole);
    for (int i = 0; i < kSteps && outcome.kind == SaslOutcome::Kind::kChallenge; ++i) {
        outcome = exchange.step(MonoTime{}, input.line());
        check(outcome, mechanism, whole);
    }
    static_cast<void>(printable(exchange.name()));
    return 0;
}
