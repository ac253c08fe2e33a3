#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"

// Whether a unit is offered to a network, and to whom: etc/quorate/shadow.export.d/UNIT.toml,
// relative to the root.
namespace quorate::shadowing {

struct ExportFile {
    std::string address;  // "192.0.2.1:10809"
    std::string clients;  // file of NAME:KEY lines, the key in hexadecimal digits (TLS-PSK)
};

// Nothing: it is not offered. Errors: what is wrong with which file and line; a file of keys that
// others may read.
Result<std::optional<ExportFile>> read_export_file(const std::string& unit);

}  // namespace quorate::shadowing
