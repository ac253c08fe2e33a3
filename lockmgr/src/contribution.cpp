#include "manager.hpp"

// What a member tells the directories in a new epoch: what it masters, and its part of the trees
// whose master is lost. In bulk: by the message, not by the tree.
namespace quorate::lockmgr {

void LockManager::Impl::claim_bulk(std::uint32_t party, std::string root, std::uint32_t master,
                                   std::uint64_t token) {
    auto& bulk = bulk_claim[party];
    auto& size = bulk_size[party];
    size += root.size() + 16;
    bulk.entries.push_back({std::move(root), node_of(master), token});
    if (size > kMaxBulk || bulk.entries.size() == kMaxList) {
        flush_bulk(party);
    }
}

void LockManager::Impl::claim_all(std::uint32_t party) {
    for (std::uint32_t index = 1; index < store.trees.end(); ++index) {
        const auto& tree = store.trees[index];
        if (tree.root != 0 && tree.state == TreeState::kLocal &&
            NodeId(tree.directory) == node_of(party)) {
            claim_bulk(party, std::string(store.root_key_of(tree)), kSelf, tree.token);
        }
    }
}

void LockManager::Impl::flush_bulk(std::uint32_t party) {
    if (const auto claims = bulk_claim.find(party); claims != bulk_claim.end()) {
        send(party, claims->second);
        bulk_claim.erase(claims);
    }
    if (auto parts = bulk_rebuild.extract(party)) {
        if (party == kSelf) {
            add_parts(kSelf, std::move(parts.mapped().trees));
        } else {
            send(party, std::move(parts.mapped()));
        }
    }
    bulk_size.erase(party);
}

void LockManager::Impl::fill_image(std::uint32_t index, LockImage& image) const {
    const auto& lock = store.locks[index];
    image.node = node_of(lock.party);
    image.lock = store.owner_id_of(index);
    // An operation of this node's own that no master has had counts from when one has.
    const bool ahead_of_master =
        lock.party == kSelf && (lock.pending == Pending::kSent || lock.pending == Pending::kHeld);
    image.op = lock.op - (ahead_of_master && !mutated("count_early") ? 1U : 0U);
    image.pid = lock.pid;
    image.xid = lock.xid;
    image.priority = lock.priority;
    image.flags = lock.flags;
    image.queue = static_cast<std::uint8_t>(lock.queue);
    image.granted = lock.granted;
    image.requested = lock.requested;
    image.highbast = lock.highbast;
    image.order = lock.order;
    image.token = lock.token;
    if (lock.value != 0) {
        const auto& value = store.values[lock.value];
        image.seq = value.seq;
        image.seen = value.seen;
        image.invalid = value.invalid;
        image.value = value.block;
    }
}

std::vector<std::string> LockManager::Impl::path_of(std::uint32_t index) const {
    std::vector<std::string> path;
    for (; store.resources[index].parent != 0; index = store.resources[index].parent) {
        path.emplace_back(store.resources[index].name.view());
    }
    std::ranges::reverse(path);
    return path;
}

// What this node has in a queue from lock `from` on, of use to the resource's next master, `limit`
// of it at most. Returns the lock to go on with.
std::uint32_t LockManager::Impl::fill_part(std::uint32_t from, std::size_t limit,
                                           std::vector<LockImage>& locks) const {
    locks.clear();
    for (; from != 0 && locks.size() < limit; from = store.locks[from].next) {
        const auto& lock = store.locks[from];
        const bool queued = lock.pending == Pending::kQueued;
        if (!lock.has_granted && !queued) {
            continue;
        }
        auto& image = locks.emplace_back();
        fill_image(from, image);
        image.queue = static_cast<std::uint8_t>(!queued            ? Queue::kGranted
                                                : lock.has_granted ? Queue::kConverting
                                                                   : Queue::kWaiting);
        image.highbast = LockMode::NL;
    }
    return from;
}

// This node's part of a tree whose master is lost; false if it has none.
bool LockManager::Impl::contribute(std::uint32_t index) {
    constexpr std::size_t kLocksMax = kMaxBulk / 128;
    auto& tree = store.trees[index];
    const auto party = party_of(directory_of_root(store.root_key_of(tree)));
    auto& image = image_in_hand;
    image.root = store.root_key_of(tree);
    std::size_t used = 0;
    std::size_t locks = 0;
    const auto add = [&] {
        image.resources.resize(used);
        used = locks = 0;
        auto& trees = bulk_rebuild[party].trees;
        trees.add(image);
        if (trees.bytes() > kMaxBulk || trees.count() == kMaxList) {
            flush_bulk(party);
        }
    };
    bool any = false;
    for (auto at = store.first_of(tree); at != 0; at = store.after(at)) {
        for (auto from = store.resources[at].queue(Queue::kGranted).head; from != 0;) {
            if (used == image.resources.size()) {
                image.resources.emplace_back();
            }
            auto& resource = image.resources[used];
            from = fill_part(from, kLocksMax - locks, resource.locks);
            if (resource.locks.empty()) {
                continue;
            }
            any = true;
            resource.path = path_of(at);
            ++used;
            locks += resource.locks.size();
            if (locks == kLocksMax) {
                add();
            }
        }
    }
    // The new master of an earlier epoch, or the one that the tree has moved to, may have what this
    // node held then, and releases are held for it: it is asked for even if nothing is left.
    const bool again = (tree.state == TreeState::kRebuild || tree.state == TreeState::kStopped) &&
                       tree.more && !tree.more->held.empty();
    if (!any && !again) {
        return false;
    }
    if (used != 0 || !any) {
        add();
    }
    tree.state = TreeState::kRebuild;
    tree.master = 0;
    if (tree.more) {
        tree.more->move = 0;
    }
    if (tree.idle) {
        end_idle(index);
    }
    return true;
}

}  // namespace quorate::lockmgr
