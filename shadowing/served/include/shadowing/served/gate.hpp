#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "shadowing/served/export_name.hpp"

namespace quorate::shadowing {

// Who may use a served disk. Every request passes: begin() before it touches the disk, end() when
// it has no effect any more. So whoever was dropped has none under way once the drop is answered,
// and gets none in afterwards.
//
// An opener that was dropped is told by the floor too: no life of a node that was expelled ever
// sees the epoch of the view that did it. Thread-safe.
class Gate {
public:
    // One connection.
    struct Pass {
        ExportName name;
        bool refused = false;
        std::size_t under_way = 0;
        std::uint64_t requests = 0;
    };
    // `floor`: the oldest epoch that is served.
    explicit Gate(std::uint64_t floor) : floor_(floor) {}

    // Earlier connections of its session are refused from now on; returns when none of their
    // requests is under way, also to one that is refused itself.
    std::shared_ptr<Pass> enter(const ExportName& name);
    void leave(const std::shared_ptr<Pass>& pass);

    // False: refused, it must not be carried out, and there is no end() to it.
    bool begin(Pass& pass);
    void end(Pass& pass);

    // `process` 0: every opener of that life of the node. `drained` is called once, from here or
    // from the end() of the last of their requests.
    void drop(const ServedOpener& opener, std::uint64_t floor, std::function<void()> drained);
    // Connections that come from now on. Those that are there stay.
    void raise_floor(std::uint64_t floor);
    std::uint64_t floor() const;
    std::vector<Pass> passes() const;

private:
    struct Drop {
        ServedOpener opener;
        std::function<void()> drained;
    };
    static bool is_of(const ServedOpener& opener, const ServedOpener& dropped);
    bool is_busy(const ServedOpener& dropped) const;
    bool has_busy_forerunner(const ExportName& name) const;
    // Of the drops that are answered now.
    std::vector<std::function<void()>> take_drained();

    mutable std::mutex mutex_;
    std::condition_variable idle_;
    std::uint64_t floor_;
    std::list<std::shared_ptr<Pass>> passes_;  // shared with the connections
    std::set<ServedOpener> dropped_;
    std::list<Drop> drops_;
};

}  // namespace quorate::shadowing
