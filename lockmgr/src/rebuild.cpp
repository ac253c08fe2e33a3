#include "manager.hpp"

// What a directory does with the parts of trees whose master is lost: who claims the tree has it,
// else it comes to life here; those who gave parts are told.
namespace quorate::lockmgr {

void LockManager::Impl::handle(std::uint32_t from, RebuildMessage& m) {
    if (message_issued == epoch()) {
        add_parts(from, std::move(m.trees));
    }
}

void LockManager::Impl::add_parts(std::uint32_t party, TreeImages images) {
    const auto& kept = rebuild_images.emplace_back(std::move(images));
    for (std::size_t i = 0; i < kept.count(); ++i) {
        add_part(party, kept[i]);
    }
}

void LockManager::Impl::add_part(std::uint32_t party, std::string_view image) {
    const auto root = root_of_image(image);
    const auto hash = hash_of(root);
    const auto first = rebuild_roots.find(
        hash, [&](std::uint32_t part) { return root_of_image(rebuilds[part - 1].image) == root; });
    rebuilds.push_back({party, 0, 0, first != 0, image});
    const auto added = static_cast<std::uint32_t>(rebuilds.size());
    if (first == 0) {
        rebuild_roots.insert(hash, added);
        rebuilds.back().last = added;
    } else {
        rebuilds[std::exchange(rebuilds[first - 1].last, added) - 1].next = added;
    }
}

void LockManager::Impl::forget_parts() {
    rebuilds.clear();
    rebuild_images.clear();
    rebuild_roots = Table();
    rebuilt = 0;
}

// The next roots, in the order in which they came: near each other in memory, more or less.
void LockManager::Impl::finish_rebuilds() {
    std::map<std::uint32_t, MasteredMessage> answers;
    std::vector<Contribution*> parts;
    for (std::uint32_t left = options.recovery_trees; rebuilt < rebuilds.size() && left != 0;) {
        const auto first = rebuilt++;
        if (rebuilds[first].follows) {
            continue;
        }
        parts.clear();
        for (auto at = first + 1; at != 0; at = rebuilds[at - 1].next) {
            parts.push_back(&rebuilds[at - 1]);
        }
        finish_rebuild(parts, answers);
        --left;
    }
    for (auto& [party, answer] : answers) {
        for (std::size_t at = 0; at < answer.entries.size(); at += 500) {
            MasteredMessage piece;
            const auto end = std::min(answer.entries.size(), at + 500);
            piece.entries.assign(answer.entries.begin() + static_cast<std::ptrdiff_t>(at),
                                 answer.entries.begin() + static_cast<std::ptrdiff_t>(end));
            send(party, piece);
        }
    }
    engine.enable(true);
    carry_out_effects();
    restart_all();
    if (rebuilt == rebuilds.size()) {
        end_recovery();
    }
}

void LockManager::Impl::finish_rebuild(const std::vector<Contribution*>& parts,
                                       std::map<std::uint32_t, MasteredMessage>& answers) {
    const auto root = root_of_image(parts.front()->image);
    const auto known = master_of(root);
    const auto resource = store.find(0, root);
    const bool here =
        resource != 0 && store.trees[store.resources[resource].tree].state == TreeState::kLocal;
    auto master = kSelf;
    if (known != 0 && !here) {
        master = known;
        settle_own(root, master);
    } else if (!here) {
        to_restart.push_back(install(root, parts));
    }
    std::vector<std::uint32_t> told{kSelf};
    for (auto* part : parts) {
        if (std::ranges::find(told, part->party) == told.end()) {
            told.push_back(part->party);
            answers[part->party].entries.push_back({std::string(root), node_of(master)});
        }
    }
}

void LockManager::Impl::end_recovery() {
    finishing = false;
    complete = true;
    forget_parts();
    history.completed();
    retry_lookups();
    if (draining) {
        drain_trees();
    }
}

// This node's own part of a tree that has a master after all.
void LockManager::Impl::settle_own(std::string_view root, std::uint32_t master) {
    const auto resource = store.find(0, root);
    const auto tree = resource == 0 ? 0U : store.resources[resource].tree;
    if (tree != 0 && store.trees[tree].state == TreeState::kRebuild) {
        store.trees[tree].state = TreeState::kRemote;
        store.trees[tree].mastered_by(master);
        store.trees[tree].certain = true;
        ask_of_queued(store.trees[tree]);
        restart(tree);
    }
}

void LockManager::Impl::handle(std::uint32_t from, MasteredMessage& m) {
    for (const auto& entry : m.entries) {
        const auto master = party_of(entry.master);
        // A node of an earlier epoch may have begun another life since, unless it speaks itself.
        if (master == 0 || (message_issued != epoch() && master != from)) {
            continue;
        }
        settle_own(entry.root, master);
    }
}

}  // namespace quorate::lockmgr
