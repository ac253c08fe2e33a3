#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

// Which units shadowd mounts: etc/quorate/shadow.d/UNIT.toml, relative to the root.
namespace quorate::shadowing {

struct UnitFile {
    std::string unit;
    std::vector<std::string> disks;
    bool cluster = false;  // several nodes mount it at the same time
    // Of a cluster: every node sees all disks itself, at the same paths. Nothing but the lease
    // keeps a lost node from them.
    bool shared = false;
    bool quorum_disk = false;  // remembers its generations, in place of the nodes
};

// Errors: what is wrong with which file and line.
Result<std::vector<UnitFile>> read_unit_files();
Status write_unit_file(const UnitFile& file);
Status remove_unit_file(const std::string& unit);
// As a basic string of TOML.
std::string toml_text(const std::string& text);
// Letters, digits, '-' and '_', at most 15: it is a file's name too.
bool is_unit_name(const std::string& name);

}  // namespace quorate::shadowing
