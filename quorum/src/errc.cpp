#include "quorum/errc.hpp"

#include <string>

namespace quorate::quorum {
namespace {

class Category final : public std::error_category {
    const char* name() const noexcept override { return "quorum"; }
    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::damaged:
                return "damaged";
            case errc::unsupported_version:
                return "unknown version";
            case errc::blank:
                return "blank";
            case errc::foreign:
                return "of another cluster, disk or node";
            case errc::too_large:
                return "too large";
            case errc::unsafe_timing:
                return "unsafe timing";
            case errc::unfit:
                return "not fit to be a quorum disk";
            case errc::refused:
                return "refused";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& quorum_category() {
    static const Category category;
    return category;
}

std::error_code make_error_code(errc code) { return {static_cast<int>(code), quorum_category()}; }

}  // namespace quorate::quorum
