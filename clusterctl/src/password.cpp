#include "password.hpp"

#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <string_view>

#include "api.hpp"

namespace quorate::ctl {
namespace {

constexpr std::size_t kPasswordMax = 1024;

std::string read_line(std::FILE* in) {
    std::string line;
    for (int c = std::fgetc(in); c != EOF && c != '\n'; c = std::fgetc(in)) {
        if (line.size() == kPasswordMax) {
            throw Failure{kUsage, "a password has at most 1024 octets"};
        }
        line.push_back(static_cast<char>(c));
    }
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    return line;
}

std::string ask(const char* prompt) {
    termios before{};
    ::tcgetattr(STDIN_FILENO, &before);
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    std::fprintf(stderr, "%s", prompt);
    auto line = read_line(stdin);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fprintf(stderr, "\n");
    return line;
}

std::string generate() {
    // 20 of 32 letters and digits that are not mistaken for one another: 100 bits.
    constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char random[20];
    if (::getrandom(random, sizeof(random), 0) != sizeof(random)) {
        throw Failure{kRefused, "no random numbers from the system"};
    }
    std::string password;
    for (const auto byte : random) {
        password.push_back(kLetters[byte % kLetters.size()]);
    }
    return password;
}

}  // namespace

std::string read_password(const Context& context, const PasswordSource& source) {
    std::string password;
    if (source.generate) {
        password = generate();
        if (!context.json) {
            std::fprintf(stderr, "password: %s\n", password.c_str());
        }
    } else if (source.from_stdin) {
        password = read_line(stdin);
    } else if (::isatty(STDIN_FILENO) != 0) {
        password = ask("Password: ");
        if (ask("Again: ") != password) {
            throw Failure{kRefused, "the two passwords differ; nothing was done"};
        }
    } else {
        throw Failure{kUsage,
                      "no terminal to ask for a password: use --password-stdin or --generate"};
    }
    if (password.empty()) {
        throw Failure{kUsage, "an empty password is refused"};
    }
    return password;
}

}  // namespace quorate::ctl
