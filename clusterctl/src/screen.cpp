#include "screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string_view>
#include <thread>

#include "base/text.hpp"

namespace quorate::ctl {
namespace {

constexpr std::string_view kEnter = "\033[?1049h\033[?25l";
constexpr std::string_view kLeave = "\033[?25h\033[?1049l";
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// For the signal handler, which may do little: the picture to leave behind; changed only while the
// signals are blocked.
std::string last_picture;
bool in_place = false;

void put(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void leave() {
    if (in_place) {
        put(kLeave);
        put(last_picture);
    }
}

extern "C" void end_program(int) {
    leave();
    ::_exit(0);
}

sigset_t ending_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : kSignals) {
        sigaddset(&set, number);
    }
    return set;
}

struct Size {
    std::size_t rows = 24;
    std::size_t columns = 80;
};

Size terminal_size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        return {};
    }
    return {size.ws_row, size.ws_col};
}

// The text as the terminal holds it: what does not fit is cut, so that nothing scrolls or wraps.
std::string drawn(const std::string& text) {
    const auto size = terminal_size();
    std::string out = "\033[H";
    std::size_t row = 0;
    for (const auto line : split(text, '\n')) {
        if (row == size.rows) {
            break;
        }
        out += row++ == 0 ? "" : "\r\n";
        out += line.substr(0, size.columns);
        out += "\033[K";
    }
    return out + "\033[J";
}

}  // namespace

Screen::Screen() : terminal_(::isatty(STDOUT_FILENO) != 0) {
    in_place = terminal_;
    struct sigaction action {};
    action.sa_handler = end_program;
    action.sa_mask = ending_signals();
    for (const int number : kSignals) {
        ::sigaction(number, &action, nullptr);
    }
    if (terminal_) {
        put(kEnter);
    }
}

Screen::~Screen() {
    leave();
    in_place = false;
}

void Screen::show(const std::string& text) {
    const auto ending = ending_signals();
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &ending, &before);
    if (terminal_) {
        put(drawn(text));
        last_picture = text;
    } else {
        put(first_ ? text : "\n" + text);
    }
    first_ = false;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

void Screen::wait(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

}  // namespace quorate::ctl
