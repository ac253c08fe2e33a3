#pragma once

#include <chrono>
#include <string>

namespace quorate::ctl {

// What is printed again and again: redrawn in place on a terminal, appended elsewhere, a blank line
// between. SIGINT, SIGTERM and SIGHUP end the program with status 0 at any moment; the terminal is
// then as it was before, with the last picture on it. One at a time.
class Screen {
public:
    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    bool on_terminal() const { return terminal_; }
    void show(const std::string& text);
    static void wait(std::chrono::milliseconds time);

private:
    bool terminal_;
    bool first_ = true;
};

}  // namespace quorate::ctl
