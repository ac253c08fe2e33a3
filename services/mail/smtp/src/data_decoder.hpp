#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "defect.hpp"

namespace quorate::mail::smtp {

// The octets behind DATA (RFC 5321 4.1.1.4 and 4.5.2): undoes dot-stuffing and finds the end, which
// is CR LF . CR LF and nothing else. Fed in pieces of any size, the outcome is the same.
class DataDecoder {
public:
    // Appends message octets to `out` and returns how many of `wire` belong to the message: all of
    // it until the end has come. Nothing is appended from the first defect on.
    std::size_t feed(std::string_view wire, std::string& out);

    bool ended() const { return state_ == State::kEnded; }
    Defect defect() const { return defect_; }

private:
    enum class State {
        kLineBegin,  // behind CR LF, or at the beginning
        kText,
        kCr,     // in a line, behind CR
        kDot,    // behind the dot that begins a line; the dot is withheld
        kDotCr,  // behind that dot and CR; both are withheld
        kEnded,
    };

    std::size_t scan(std::string_view wire, std::string& out);
    void scan_octet(char c, std::string& out);
    std::size_t scan_lines(std::string_view wire, std::string& out);
    void found(Defect defect) {
        if (defect_ == Defect::kNone) {
            defect_ = defect;
        }
    }
    void put(std::string_view octets, std::string& out) {
        if (defect_ == Defect::kNone) {
            out.append(octets);
        }
    }

    State state_ = State::kLineBegin;
    Defect defect_ = Defect::kNone;
};

}  // namespace quorate::mail::smtp
