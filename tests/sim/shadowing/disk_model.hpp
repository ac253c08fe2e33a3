#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "shadowing/label.hpp"
#include "shadowing/set.hpp"

namespace quorate::shadowing::simulator {

// One life of an opener.
using Opener = std::uint64_t;

// A member disk and who serves it: label, write-intent log, data (a number per block), each with a
// volatile cache. When the power fails, of what was not flushed each block by itself is kept, lost
// or, of label and log, torn.
class Disk {
public:
    Disk(Random& random, Id128 set, const Layout& layout, std::uint64_t room)
        : random_(random), set_(set), layout_(layout), data_(room) {
        for (auto lbn = layout.member_blocks; lbn < room; ++lbn) {
            data_[lbn] = {random.next(), random.next()};  // whatever was there
        }
        meta_.resize(kLabels);
        meta_.resize(kLabels + layout.openers * kIntentBlocks,
                     {std::string(kIntentOctets, '\0'), std::string(kIntentOctets, '\0')});
        power_on();
    }

    // ---- who serves it
    bool is_on() const { return on_; }
    std::uint64_t life() const { return life_; }
    void power_off();
    void power_on();
    void fence(Opener opener) { fenced_.insert(opener); }
    // What the opener asked for earlier takes no effect any more.
    void close(Opener opener) {
        ++closings_[opener];
        sessions_.erase(opener);
    }
    std::uint64_t closings(Opener opener) const {
        const auto it = closings_.find(opener);
        return it == closings_.end() ? 0 : it->second;
    }
    // The life in which the opener reads and writes it; 0: it has it not open.
    std::uint64_t session(Opener opener) const {
        const auto it = sessions_.find(opener);
        return it == sessions_.end() ? 0 : it->second;
    }
    // Whether an operation may take effect; opening is reading the label.
    Outcome admit(Opener opener, std::uint64_t closings_then, bool opens);

    // ---- what is on it
    std::uint64_t read(std::uint64_t lbn) const { return data_[lbn].seen; }
    void write(std::uint64_t lbn, std::uint64_t value);
    void flush();
    void flush(const Extent& extent);
    bool is_unreadable(const Extent& extent) const;
    void damage(std::uint64_t lbn) { bad_.insert(lbn); }
    void rot(std::uint64_t lbn, std::uint64_t value) { data_[lbn] = {value, value}; }
    // From now on it loses with its power what it has said to be flushed, of the data.
    void lie() { lies_ = true; }
    // As another disk, or this one, was; but the sessions are its own.
    void put_back(const Disk& image) {
        meta_ = image.meta_;
        ++meta_changes_;
        data_ = image.data_;
        dirty_.clear();
        bad_.clear();
    }
    void repair() { bad_.clear(); }

    // Label and log: written, then durable with sync_meta().
    void write_label_copy(std::uint16_t copy, const Label& label) {
        set_meta(copy, encode(label, copy));
    }
    void sync_meta();
    std::array<std::string, 2> labels() const { return {meta_[0].seen, meta_[1].seen}; }
    // What a power failure now is sure to leave.
    std::array<std::string, 2> durable_labels() const {
        return {meta_[0].durable, meta_[1].durable};
    }
    void write_intent(const IntentBlock& block) {
        set_meta(slot_at(block.slot) + block.sequence % kIntentBlocks, encode(block));
    }
    std::array<std::string, kIntentBlocks> intent(OpenerSlot slot) const {
        return {meta_[slot_at(slot)].seen, meta_[slot_at(slot) + 1].seen};
    }
    std::array<std::string, kIntentBlocks> durable_intent(OpenerSlot slot) const {
        return {meta_[slot_at(slot)].durable, meta_[slot_at(slot) + 1].durable};
    }
    void clear_log();
    std::uint64_t room() const { return data_.size(); }
    // Grows with every change of label or log: what was decoded of them may be kept until then.
    std::uint64_t meta_changes() const { return meta_changes_; }
    bool is_flushed() const { return dirty_.empty() || lies_; }  // as it says
    const Layout& layout() const { return layout_; }
    Id128 set() const { return set_; }

private:
    static constexpr std::size_t kLabels = 2;
    struct Meta {
        std::string seen = std::string(kMetaBlock, '\0');
        std::string durable = std::string(kMetaBlock, '\0');
        bool dirty = false;
    };
    struct Block {
        std::uint64_t seen = 0;
        std::uint64_t durable = 0;
    };
    static std::size_t slot_at(OpenerSlot slot) { return kLabels + slot.value() * kIntentBlocks; }
    void set_meta(std::size_t at, std::string bytes) {
        meta_[at].seen = std::move(bytes);
        meta_[at].dirty = true;
        ++meta_changes_;
    }

    Random& random_;
    Id128 set_;
    Layout layout_;
    bool on_ = false;
    bool lies_ = false;
    std::uint64_t life_ = 0;
    std::uint64_t meta_changes_ = 0;
    std::map<Opener, std::uint64_t> sessions_;  // in which life
    std::map<Opener, std::uint64_t> closings_;
    std::set<Opener> fenced_;
    std::vector<Meta> meta_;
    std::vector<Block> data_;
    std::set<std::uint64_t> dirty_;
    std::set<std::uint64_t> bad_;
};

}  // namespace quorate::shadowing::simulator
