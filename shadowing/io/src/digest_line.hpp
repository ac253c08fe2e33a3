#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/random.hpp"
#include "nbd_link.hpp"
#include "shadowing/io/served_member.hpp"

namespace quorate::shadowing {

// What compares a served disk by digests, over a connection of its own, made when it is first
// wanted. Thread rule: io thread.
class DigestLine : public std::enable_shared_from_this<DigestLine> {
public:
    // Nothing: it cannot be told.
    using Told = std::function<void(std::optional<std::string>)>;

    DigestLine(boost::asio::io_context& io, ServedDisk disk, const NbdLibrary& library);

    // Multiples of kDigestBlock.
    void ask(std::uint64_t offset, std::uint64_t octets, Told told);
    // Nothing is called any more.
    void stop();

private:
    struct Wanted {
        std::uint64_t offset = 0;
        std::uint64_t octets = 0;
        Told told;
    };
    void connect();
    void connected(const Result<ServedDescription>& description);
    void read(Wanted wanted);
    void lost();

    boost::asio::io_context& io_;
    ServedDisk disk_;
    const NbdLibrary& lib_;
    Random random_;
    std::shared_ptr<NbdLink> link_;  // shared with its waits
    bool is_connected_ = false;
    std::vector<Wanted> wanted_;
    std::list<Told> told_;
};

}  // namespace quorate::shadowing
