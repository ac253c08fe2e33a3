#include "base/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/text.hpp"

namespace quorate {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::function<void(LogLevel, std::string_view)> g_sink;

char journald_priority(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return '7';
        case LogLevel::kInfo:
            return '6';
        case LogLevel::kWarn:
            return '4';
        case LogLevel::kError:
            return '3';
    }
    return '3';
}

bool needs_quotes(std::string_view value) {
    return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
               return c <= 0x20 || c >= 0x7f || c == '"' || c == '=' || c == '\\';
           });
}

}  // namespace

void Logger::set_level(LogLevel level) { g_level = level; }

void Logger::set_sink(std::function<void(LogLevel, std::string_view)> sink) {
    g_sink = std::move(sink);
}

bool Logger::enabled(LogLevel level) { return level >= g_level.load(std::memory_order_relaxed); }

void Logger::append(std::string& line, std::string_view key, std::string_view value) {
    constexpr std::size_t kValueLimit = 1000;
    line += ' ';
    line += key;
    line += '=';
    if (!needs_quotes(value)) {
        line += value.substr(0, kValueLimit);
        return;
    }
    line += '"';
    for (const char c : printable(value, kValueLimit)) {
        if (c == '"') {
            line += '\\';
        }
        line += c;
    }
    line += '"';
}

void Logger::emit(LogLevel level, std::string_view line) {
    if (g_sink) {
        g_sink(level, line);
        return;
    }
    std::string whole = {'<', journald_priority(level), '>'};
    whole += line;
    whole += '\n';
    // Nothing sensible can be done when stderr is gone.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

}  // namespace quorate
