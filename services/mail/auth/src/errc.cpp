#include "mail/auth/errc.hpp"

#include <string>

namespace quorate::mail::auth {
namespace {

class Category final : public std::error_category {
public:
    const char* name() const noexcept override { return "auth"; }
    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::exists:
                return "exists already";
            case errc::not_found:
                return "not found";
            case errc::invalid_address:
                return "not a valid address";
            case errc::domain_unknown:
                return "no such domain here; add it first";
            case errc::in_use:
                return "still in use";
            case errc::bad_secret:
                return "password or hash not usable";
            case errc::storage:
                return "directory database failed";
            case errc::unsupported_version:
                return "written by a newer version";
            case errc::too_many:
                return "too many";
            case errc::alias_loop:
                return "could never reach anybody: its targets lead back to it, or over more than "
                       "ten other aliases; see: alias list";
            case errc::incomplete_address:
                return "has no domain: write NAME@DOMAIN, or set mail.default_domain in "
                       "quorate.toml and start maild again";
        }
        return "unknown";
    }
};

}  // namespace

const std::error_category& auth_category() {
    static const Category category;
    return category;
}

std::error_code make_error_code(errc code) { return {static_cast<int>(code), auth_category()}; }

}  // namespace quorate::mail::auth
