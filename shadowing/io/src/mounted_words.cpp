#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "mounted_impl.hpp"
#include "shadowing/errc.hpp"

// What the operator asks of a set's membership, and how it ends.
namespace quorate::shadowing {

std::optional<DeviceIndex> MountedSet::Impl::place_of(const std::string& path) const {
    const auto disk = std::ranges::find(disks, path, &Disk::path);
    return path.empty() || disk == disks.end()
               ? std::nullopt
               : std::optional(static_cast<DeviceIndex>(disk - disks.begin()));
}

Result<DeviceIndex> MountedSet::Impl::place_for(const std::string& path) {
    if (const auto known = place_of(path)) {
        return *known;
    }
    const auto free = std::ranges::find(disks, std::string(), &Disk::path);
    if (free == disks.end()) {
        return fail(errc::refused, fmt::format("a set has at most {} disks", kMaxMembers));
    }
    free->path = path;
    return static_cast<DeviceIndex>(free - disks.begin());
}

void MountedSet::Impl::happened(std::string text) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    events.push_back({static_cast<std::uint64_t>(seconds), std::move(text)});
    if (events.size() > kMaxEvents) {
        events.pop_front();
    }
}

void MountedSet::Impl::ask_for(Word word, SetInput input) {
    words.push_back(std::move(word));
    feed(std::move(input));
}

void MountedSet::Impl::end_word(std::list<Word>::iterator word, Status status) {
    boost::asio::post(io,
                      [done = std::move(word->done), status = std::move(status)] { done(status); });
    words.erase(word);
}

void MountedSet::Impl::look_at_words() {
    if (words.empty()) {
        return;
    }
    const auto status = set->status();
    for (auto it = words.begin(); it != words.end();) {
        const auto word = it++;
        if (word->kind == Word::Kind::kExpand) {
            continue;  // Resized
        }
        const bool expelled = status.members[word->device].role == Role::kExpelled;
        if (expelled == (word->kind == Word::Kind::kRemove)) {
            end_word(word, Status());
        }
    }
}

void MountedSet::Impl::word_refused(DeviceIndex device, const std::string& why) {
    const auto word = std::ranges::find(words, device, &Word::device);
    if (word != words.end()) {
        end_word(word, fail(errc::refused, why));
    }
}

void MountedSet::Impl::perform(const Resized& output) {
    blocks = output.blocks;
    happened(fmt::format("the unit has {} blocks now", blocks));
    const auto word = std::ranges::find(words, Word::Kind::kExpand, &Word::kind);
    if (word != words.end()) {
        end_word(word, Status());
    }
}

void MountedSet::add(const std::string& path, Asked done) {
    const auto device = impl_->place_for(path);
    if (!device) {
        done(tl::unexpected(device.error()));
        return;
    }
    impl_->ask_for({Impl::Word::Kind::kAdd, *device, std::move(done)}, AddDevice{*device, path});
}

void MountedSet::remove(const std::string& path, bool keep_changes, Asked done) {
    const auto device = impl_->place_of(path);
    if (!device) {
        done(fail(errc::refused, path + ": not a disk of this set"));
        return;
    }
    impl_->ask_for({Impl::Word::Kind::kRemove, *device, std::move(done)},
                   RemoveDevice{*device, keep_changes});
}

void MountedSet::expand(Asked done) {
    impl_->ask_for({Impl::Word::Kind::kExpand, kMaxMembers, std::move(done)}, Expand{});
}

void MountedSet::steer(const Steer& word) { impl_->feed(word); }

Status MountedSet::know(const std::string& path) {
    QUORATE_TRY(const auto device, impl_->place_for(path));
    impl_->feed(NameDevice{device, path});
    return {};
}

Label MountedSet::like() const {
    const auto status = impl_->set->status();
    Label label;
    label.unit = impl_->options.unit;
    label.set = impl_->options.set;
    label.lineage = status.lineage;
    label.set_blocks = status.blocks;
    for (const auto& disk : impl_->disks) {
        if (disk.layout.slot_octets != 0) {
            label.layout = disk.layout;
        }
    }
    return label;
}

const std::deque<UnitEvent>& MountedSet::events() const { return impl_->events; }

}  // namespace quorate::shadowing
