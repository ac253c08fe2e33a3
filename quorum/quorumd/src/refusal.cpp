#include "refusal.hpp"

#include "io/errc.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {

bool is_operators(const Error& error) {
    return error.code.category() == quorum_category() || error.code == io::Errc::kConfig ||
           error.code == io::Errc::kAddress || error.code == io::Errc::kUsage ||
           error.code == std::errc::invalid_argument;
}

}  // namespace quorate::quorum
