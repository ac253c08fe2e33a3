#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "shadowing/label.hpp"

// What is done to disks while no set uses them: blocking, any thread.
namespace quorate::shadowing {

// Errors: those of choose_label(); errno's values.
Result<FoundLabel> inspect_label(const std::string& path);

// The set that the disks name: one of their labels, and perhaps an old one. Errors: that of the
// first disk, if none carries a label; errc::refused, they are of several sets.
Result<Label> find_set(const std::vector<std::string>& disks);

// Whether nobody would miss what is on it. Errors: errc::refused, whose detail names what stands
// against it: it is mounted or swapped to, another process or the kernel holds it, it carries a
// file system, a partition table or the label of a shadow set.
Status check_free(const std::string& path);

struct CreateOptions {
    std::string unit;
    std::vector<std::string> disks;  // the first one's data are kept, the others become copies
    bool force = false;              // although check_free() refuses what they carry
    std::uint16_t openers = 32;
};
// Labels the disks as a new set. Errors: errc::refused; errno's values. After an error some disks
// may have been labelled: create again with force.
Result<Label> create_set(const CreateOptions& options);

struct LabelDiskOptions {
    bool force = false;
    bool served = false;  // this process has it open, to serve it to others
};
// Labels a disk so that it may be added to the set of `like`; it is never a source. One that is of
// that set already is left as it is. Errors: errc::refused; errno's values.
Status label_disk(const std::string& path, const Label& like, LabelDiskOptions options);

}  // namespace quorate::shadowing
