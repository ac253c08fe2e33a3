#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace quorate {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// One event, one line: `<6>event_word key=value key="two words"`, with journald's priority prefix.
// `error` means that an operator must act. Never pass a password or a message body.
//
//     Logger log = Logger("maild").with("session", id);
//     log.info("login", "account", name, "tls", true);
//
// Thread-safe: a Logger is an immutable value, and a line is written with one write().
class Logger {
public:
    Logger() = default;

    // A copy that adds key=value to every line.
    template <class T>
    Logger with(std::string_view key, const T& value) const {
        Logger copy = *this;
        append(copy.context_, key, fmt::format("{}", value));
        return copy;
    }

    template <class... Pairs>
    void debug(std::string_view event, const Pairs&... pairs) const {
        write(LogLevel::kDebug, event, pairs...);
    }
    template <class... Pairs>
    void info(std::string_view event, const Pairs&... pairs) const {
        write(LogLevel::kInfo, event, pairs...);
    }
    template <class... Pairs>
    void warn(std::string_view event, const Pairs&... pairs) const {
        write(LogLevel::kWarn, event, pairs...);
    }
    template <class... Pairs>
    void error(std::string_view event, const Pairs&... pairs) const {
        write(LogLevel::kError, event, pairs...);
    }

    // Process-wide; call before threads start. The default is info to stderr.
    static void set_level(LogLevel level);
    static void set_sink(std::function<void(LogLevel, std::string_view line)> sink);
    static bool enabled(LogLevel level);

private:
    template <class... Pairs>
    void write(LogLevel level, std::string_view event, const Pairs&... pairs) const {
        static_assert(sizeof...(pairs) % 2 == 0, "key, value, key, value, ...");
        if (!enabled(level)) {
            return;
        }
        std::string line(event);
        line += context_;
        add(line, pairs...);
        emit(level, line);
    }

    static void add(std::string&) {}
    template <class Value, class... Rest>
    static void add(std::string& line, std::string_view key, const Value& value,
                    const Rest&... rest) {
        append(line, key, fmt::format("{}", value));
        add(line, rest...);
    }

    static void append(std::string& line, std::string_view key, std::string_view value);
    static void emit(LogLevel level, std::string_view line);

    std::string context_;
};

}  // namespace quorate
