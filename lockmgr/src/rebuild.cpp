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

// The next roots, in the order in which they came: near each other in memory, more or less. The
// tables are not: their places are fetched for all of them before the first one is looked up.
void LockManager::Impl::finish_rebuilds() {
    auto& images = images_in_hand;
    std::size_t used = 0;
    std::vector<std::size_t> ends;  // of each root's parts
    for (auto left = options.recovery_trees; rebuilt < rebuilds.size() && left != 0;) {
        const auto first = rebuilt++;
        if (rebuilds[first].follows) {
            continue;
        }
        for (auto at = first + 1; at != 0; at = rebuilds[at - 1].next) {
            if (used == images.size()) {
                images.emplace_back();
            }
            fetch_part(rebuilds[at - 1], images[used++]);
        }
        ends.push_back(used);
        --left;
    }
    std::map<std::uint32_t, MasteredMessage> answers;
    std::size_t begin = 0;
    for (const auto end : ends) {
        finish_rebuild(std::span(images).subspan(begin, end - begin), answers);
        begin = end;
    }
    for (auto& [party, answer] : answers) {
        tell_mastered(party, std::move(answer.entries));
    }
    engine.enable(true);
    carry_out_effects();
    restart_all();
    if (rebuilt == rebuilds.size()) {
        end_recovery();
    }
}

void LockManager::Impl::fetch_part(const Contribution& part, PartImage& into) {
    into.party = part.party;
    decode_image(part.image, into.tree);
    const auto hash = hash_of(into.tree.root);
    store.prefetch_root(hash);
    entries.prefetch(hash);
    for (const auto& resource : into.tree.resources) {
        for (const auto& lock : resource.locks) {
            store.prefetch_remote(part.party, lock.lock.value());
        }
    }
}

void LockManager::Impl::tell_mastered(std::uint32_t party,
                                      std::vector<MasteredMessage::Entry> entries_of_it) {
    constexpr std::size_t kEntries = 500;
    for (std::size_t at = 0; at < entries_of_it.size(); at += kEntries) {
        const auto end = std::min(entries_of_it.size(), at + kEntries);
        MasteredMessage piece;
        std::move(entries_of_it.begin() + static_cast<std::ptrdiff_t>(at),
                  entries_of_it.begin() + static_cast<std::ptrdiff_t>(end),
                  std::back_inserter(piece.entries));
        send(party, std::move(piece));
    }
}

void LockManager::Impl::finish_rebuild(std::span<const PartImage> parts,
                                       std::map<std::uint32_t, MasteredMessage>& answers) {
    const auto& root = parts.front().tree.root;
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
    for (auto part = parts.begin(); part != parts.end(); ++part) {
        const bool told =
            part->party == kSelf || std::any_of(parts.begin(), part, [&](const PartImage& before) {
                return before.party == part->party;
            });
        if (!told) {
            answers[part->party].entries.push_back({root, node_of(master)});
        }
    }
}

void LockManager::Impl::end_recovery() {
    finishing = false;
    complete = true;
    forget_parts();
    history.completed();
    retry_lookups();
    settle_domains();
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
