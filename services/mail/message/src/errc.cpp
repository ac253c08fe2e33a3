#include "mail/message/errc.hpp"

#include <string>

namespace quorate::mail::message {
namespace {

class Category final : public std::error_category {
    const char* name() const noexcept override { return "message"; }
    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::damaged:
                return "stored message structure is damaged";
            case errc::unsupported_version:
                return "stored message structure has an unknown version";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& message_category() {
    static const Category category;
    return category;
}

std::error_code make_error_code(errc code) { return {static_cast<int>(code), message_category()}; }

}  // namespace quorate::mail::message
