#include "shadowing/errc.hpp"

#include <string>

namespace quorate::shadowing {
namespace {

class Category final : public std::error_category {
    const char* name() const noexcept override { return "shadowing"; }
    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::damaged:
                return "damaged";
            case errc::unsupported_version:
                return "unknown version";
            case errc::not_a_member:
                return "not a member of a shadow set";
            case errc::refused:
                return "refused";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& shadowing_category() {
    static const Category category;
    return category;
}

std::error_code make_error_code(errc code) {
    return {static_cast<int>(code), shadowing_category()};
}

}  // namespace quorate::shadowing
