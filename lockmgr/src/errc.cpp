#include "lockmgr/errc.hpp"

#include <string>

namespace quorate::lockmgr {
namespace {

class Category final : public std::error_category {
    const char* name() const noexcept override { return "lockmgr"; }
    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::damaged:
                return "damaged";
            case errc::unsupported_version:
                return "unknown version";
            case errc::too_large:
                return "too large";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& lockmgr_category() {
    static const Category category;
    return category;
}

std::error_code make_error_code(errc code) { return {static_cast<int>(code), lockmgr_category()}; }

}  // namespace quorate::lockmgr
