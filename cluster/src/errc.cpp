#include "cluster/errc.hpp"

#include <string>

namespace quorate::cluster {
namespace {

class Category final : public std::error_category {
    const char* name() const noexcept override { return "cluster"; }
    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::damaged:
                return "damaged";
            case errc::unsupported_version:
                return "unknown version";
            case errc::too_large:
                return "too large";
            case errc::refused:
                return "refused";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& cluster_category() {
    static const Category category;
    return category;
}

std::error_code make_error_code(errc code) { return {static_cast<int>(code), cluster_category()}; }

}  // namespace quorate::cluster
