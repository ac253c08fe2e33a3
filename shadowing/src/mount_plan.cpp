#include "shadowing/mount_plan.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "mutation.hpp"

namespace quorate::shadowing {
namespace {

std::string short_id(const Id128& id) { return id.to_hex().substr(24); }

// One decision under way.
class Planner {
public:
    explicit Planner(const MountQuestion& question) : question_(question) {
        for (const auto& disk : question.disks) {
            const auto id = disk.label ? disk.label->member : Id128();
            plan_.disks.push_back({disk.name, id, DiskFate::kRefused, 0, disk.problem});
        }
    }

    MountPlan decide() {
        if (!find_set() || !find_twins() || !find_lineage() || !find_authority()) {
            return std::move(plan_);
        }
        const auto& label = authority();
        for (std::size_t i = 0; i < plan_.disks.size(); ++i) {
            if (in_lineage(i)) {
                plan_disk(i);
            }
        }
        for (const auto& member : label.members) {
            if (is_source(member.role) && !is_present_source(member.id)) {
                plan_.expels.push_back(member.id);
            }
        }
        plan_.allowed = question_.mounted ? may_join() : may_mount();
        plan_.merge = question_.mounted || label.clean ? MergeNeed::kNone : MergeNeed::kIntentLog;
        if (!plan_.allowed) {
            plan_.expels.clear();
            plan_.merge = MergeNeed::kNone;
        }
        return std::move(plan_);
    }

private:
    bool refuse(std::string why) {
        plan_.why = std::move(why);
        return false;
    }
    const Label* label_of(std::size_t disk) const {
        const auto& label = question_.disks[disk].label;
        return label && label->set == set_ ? &*label : nullptr;
    }
    bool in_lineage(std::size_t disk) const {
        const auto* label = label_of(disk);
        return label != nullptr && label->lineage == lineage_;
    }
    const Label& authority() const { return *question_.disks[*plan_.authority].label; }

    bool find_set();
    bool find_twins();
    bool find_lineage();
    bool find_authority();
    bool choose_among(std::uint64_t number);
    void plan_disk(std::size_t disk);
    bool is_present_source(Id128 member) const;
    bool may_join();
    bool may_mount();
    bool without_the_absent(const std::string& absent);
    bool is_behind_witness() const;

    const MountQuestion& question_;
    MountPlan plan_;
    Id128 set_;
    Id128 lineage_;
};

bool Planner::find_set() {
    set_ = question_.set;
    for (std::size_t i = 0; i < question_.disks.size(); ++i) {
        const auto& label = question_.disks[i].label;
        if (!label) {
            continue;
        }
        if (set_ == Id128()) {
            set_ = label->set;
        }
        if (label->set != set_) {
            plan_.disks[i].why = "is a member of another set, " + label->unit;
            if (question_.set == Id128()) {
                return refuse("the disks named belong to different sets: say which is meant");
            }
        }
    }
    const bool any = set_ != Id128() && std::ranges::any_of(question_.disks, [&](const auto& disk) {
                         return disk.label && disk.label->set == set_;
                     });
    return any || refuse("no disk carries a label of the set");
}

bool Planner::find_twins() {
    std::map<Id128, std::size_t> seen;
    for (std::size_t i = 0; i < question_.disks.size(); ++i) {
        if (label_of(i) == nullptr) {
            continue;
        }
        const auto [it, is_new] = seen.emplace(label_of(i)->member, i);
        if (!is_new) {
            return refuse(fmt::format("{} and {} both say that they are member {}: one is a copy",
                                      question_.disks[it->second].name, question_.disks[i].name,
                                      short_id(it->first)));
        }
    }
    return true;
}

// The lineage that descends from all others present.
bool Planner::find_lineage() {
    const auto knows = [](const Label& label, Id128 lineage) {
        return label.lineage == lineage || std::ranges::any_of(label.forks, [&](const Fork& fork) {
                   return fork.lineage == lineage;
               });
    };
    const Label* youngest = nullptr;
    for (std::size_t i = 0; i < question_.disks.size(); ++i) {
        const auto* label = label_of(i);
        if (label != nullptr && (youngest == nullptr || knows(*label, youngest->lineage))) {
            youngest = label;
        }
    }
    if (question_.mounted) {
        lineage_ = question_.mounted->lineage;
    } else {
        lineage_ = youngest->lineage;
    }
    for (std::size_t i = 0; i < question_.disks.size(); ++i) {
        const auto* label = label_of(i);
        if (label == nullptr || label->lineage == lineage_) {
            continue;
        }
        plan_.disks[i].why = fmt::format(
            "generation {} of lineage {}, which is not the set's: add it explicitly to overwrite "
            "it",
            label->generation.number, short_id(label->lineage));
        if (!question_.mounted && !knows(*youngest, label->lineage)) {
            return refuse(fmt::format(
                "lineages {} and {} have gone their own ways: name the disks of one only",
                short_id(lineage_), short_id(label->lineage)));
        }
    }
    const bool any = std::ranges::any_of(question_.disks, [&](const NamedDisk& disk) {
        return disk.label && disk.label->set == set_ && disk.label->lineage == lineage_;
    });
    return any || refuse("the set is mounted in another lineage than that of the disks named");
}

bool Planner::find_authority() {
    if (question_.mounted) {
        return choose_among(question_.mounted->generation.number);
    }
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < question_.disks.size(); ++i) {
        if (in_lineage(i)) {
            number = std::max(number, label_of(i)->generation.number);
        }
    }
    return choose_among(number);
}

// The label of this number that counts: which one, if there are several?
bool Planner::choose_among(std::uint64_t number) {
    const auto& told = question_.mounted ? question_.mounted : question_.witness.word;
    bool contradiction = false;
    for (std::size_t i = 0; i < question_.disks.size(); ++i) {
        if (!in_lineage(i) || label_of(i)->generation.number != number) {
            continue;
        }
        const bool is_told = told && told->generation == label_of(i)->generation;
        if (!plan_.authority) {
            plan_.authority = i;
        } else if (authority().generation != label_of(i)->generation) {
            contradiction = true;
            if (is_told) {
                plan_.authority = i;
            }
        }
    }
    if (!plan_.authority ||
        (question_.mounted && authority().generation != question_.mounted->generation)) {
        plan_.authority.reset();
        return refuse("no disk named has the label of the generation that is mounted");
    }
    if (contradiction && !(told && told->generation == authority().generation)) {
        plan_.authority.reset();
        return refuse(fmt::format("two labels of generation {} contradict each other", number));
    }
    return true;
}

void Planner::plan_disk(std::size_t disk) {
    const auto& label = *label_of(disk);
    const auto* listed = authority().find(label.member);
    const auto* own = label.find(label.member);
    auto& planned = plan_.disks[disk];
    const auto number = authority().generation.number;
    if (label.generation.number == number && label.generation != authority().generation) {
        planned.fate = DiskFate::kCopy;
        planned.why = fmt::format("its generation {} is not the one that counts", number);
        return;
    }
    if (listed != nullptr && is_source(listed->role) && is_source(own->role)) {
        planned.fate = DiskFate::kSource;
        planned.why = fmt::format("{} since generation {}, as generation {} says",
                                  name_of(listed->role), listed->since, number);
        return;
    }
    planned.fate = DiskFate::kCopy;
    if (listed != nullptr && is_target(listed->role)) {
        planned.fence = label.generation == authority().generation ? listed->fence : 0;
        planned.why = fmt::format("its copy was not finished: done below block {}", planned.fence);
        return;
    }
    if (listed == nullptr || listed->role != Role::kExpelled) {
        planned.why = fmt::format("its label is of generation {}, the newest is {}",
                                  label.generation.number, number);
        return;
    }
    planned.why = fmt::format("expelled in generation {}", listed->since);
    if (changes_are_kept(authority(), label)) {
        planned.fate = DiskFate::kMinicopy;
        planned.why += "; the others know what was written since";
    }
}

bool Planner::is_present_source(Id128 member) const {
    return std::ranges::any_of(plan_.disks, [&](const PlannedDisk& disk) {
        return disk.member == member && disk.fate == DiskFate::kSource;
    });
}

bool Planner::may_join() {
    if (!plan_.expels.empty()) {
        return refuse("a source of the mounted set cannot be reached from here");
    }
    plan_.why = fmt::format("joins generation {}", authority().generation.number);
    return true;
}

bool Planner::is_behind_witness() const {
    if (!question_.witness.known || !question_.witness.word) {
        return false;
    }
    const auto& word = *question_.witness.word;
    const auto& label = authority();
    if (word.lineage != label.lineage) {
        // The operator's fork stands on the disks first, then at the witness.
        return std::ranges::find(label.forks, word.lineage, &Fork::lineage) == label.forks.end();
    }
    return label.generation.number < word.generation.number ||
           (label.generation.number == word.generation.number &&
            label.generation.id != word.generation.id);
}

bool Planner::may_mount() {
    const auto number = authority().generation.number;
    const bool any_source = std::ranges::any_of(
        plan_.disks, [](const auto& disk) { return disk.fate == DiskFate::kSource; });
    if (!any_source) {
        return refuse("no disk here has everything: only unfinished copies or expelled members");
    }
    if (is_behind_witness() && !mutated("mount_stale")) {
        return without_the_absent(
            fmt::format("the newest label here is of generation {}, the witness knows {}", number,
                        question_.witness.word->generation.number));
    }
    if (plan_.expels.empty()) {
        plan_.why = fmt::format("every source of generation {} is here", number);
        return true;
    }
    if ((question_.witness.known && question_.witness.word) || mutated("mount_stale")) {
        plan_.why = fmt::format(
            "the witness knows of nothing newer than generation {}: {} absent source(s) are left "
            "behind",
            number, plan_.expels.size());
        return true;
    }
    return without_the_absent(fmt::format(
        "{} source(s) of generation {} are absent and may be newer", plan_.expels.size(), number));
}

bool Planner::without_the_absent(const std::string& reason) {
    if (!question_.accept_loss) {
        for (auto& disk : plan_.disks) {
            if (disk.fate != DiskFate::kRefused) {
                disk.fate = DiskFate::kRefused;
                disk.why = "may be old: " + disk.why;
            }
        }
        return refuse(reason);
    }
    plan_.new_lineage = true;
    plan_.why = reason + "; a new lineage begins by the operator's word";
    return true;
}

std::string_view name_of(DiskFate fate) {
    switch (fate) {
        case DiskFate::kSource:
            return "FULL";
        case DiskFate::kCopy:
            return "COPY";
        case DiskFate::kMinicopy:
            return "MINICOPY";
        case DiskFate::kRefused:
            return "refused";
    }
    return "?";
}

}  // namespace

// Numbers grow over forks too, so the greatest is the newest whatever its lineage.
Witness witness_of(const std::vector<NodeWord>& words, std::uint32_t quorum) {
    std::uint32_t votes = 0;
    std::uint64_t number = 0;
    std::uint64_t reserved = 0;
    for (const auto& one : words) {
        votes += one.votes;
        reserved = std::max(reserved, one.reserved);
        number = one.word ? std::max(number, one.word->generation.number) : number;
    }
    if (votes < quorum || quorum == 0) {
        return {};
    }
    if (number == 0) {
        return {.known = true, .word = std::nullopt, .reserved = reserved};
    }
    std::map<std::uint64_t, std::pair<std::uint32_t, WitnessWord>> by_id;
    for (const auto& one : words) {
        if (one.word && one.word->generation.number == number) {
            auto& [id_votes, word] = by_id[one.word->generation.id];
            id_votes += one.votes;
            word = *one.word;
        }
    }
    for (const auto& [id, entry] : by_id) {
        if (by_id.size() == 1 || entry.first >= quorum) {
            return {.known = true, .word = entry.second, .reserved = reserved};
        }
    }
    return {};
}

bool changes_are_kept(const Label& now, const Label& own) {
    const auto* listed = now.find(own.member);
    const auto* before = own.find(own.member);
    if (listed == nullptr || listed->role != Role::kExpelled || now.changes_since == 0 ||
        listed->fence == 0 || own.lineage != now.lineage || own.set_blocks != now.set_blocks) {
        return false;
    }
    const bool had_all = is_source(before->role) || before->role == Role::kMinicopy;
    return mutated("minicopy_of_any") || (had_all && before->since == listed->fence);
}

MountPlan plan_mount(const MountQuestion& question) { return Planner(question).decide(); }

std::string MountPlan::to_string() const {
    auto text = fmt::format("{}: {}\n", allowed ? "mount" : "refused", why);
    for (const auto& disk : disks) {
        if (disk.name.empty()) {
            continue;  // a place for one that is added later
        }
        text += fmt::format("  {:<12} {:<8}  {}\n", disk.name, name_of(disk.fate), disk.why);
    }
    for (const auto& member : expels) {
        text += fmt::format("  {:<12} {:<8}  absent\n", short_id(member), "expelled");
    }
    if (merge == MergeNeed::kIntentLog) {
        text += "  merge: where the write-intent log says; the set was not dismounted\n";
    }
    return text;
}

}  // namespace quorate::shadowing
