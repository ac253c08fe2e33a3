#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "nbd_link.hpp"
#include "shadowing/io/served_member.hpp"

namespace quorate::shadowing {

// What was asked for and has not ended.
struct ServedOp {
    enum class Kind : std::uint8_t { kRead, kWrite, kZero, kFlush } kind = Kind::kFlush;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    std::span<char> into = {};
    std::span<const char> from = {};
    bool fua = false;
    Member::Done done = {};
    bool asked = false;      // of the connection that there is
    bool uncertain = false;  // asked of an earlier one: it may be under way yet
};

// The data of a served disk: its connections to the server, one after the other, and what was asked
// of them (served_member.hpp says how it ends). Thread rule: io thread.
class ServedLine : public std::enable_shared_from_this<ServedLine> {
public:
    // Of the first connection. Errors: those of open_served_member().
    using LineOpened = std::function<void(Status)>;

    ServedLine(boost::asio::io_context& io, ServedDisk disk, const NbdLibrary& library);

    void open(LineOpened done);
    // Nothing is called any more.
    void stop();
    std::uint64_t octets() const { return octets_; }
    std::uint64_t life() const { return life_; }
    const ServedDisk& disk() const { return disk_; }

    void ask(ServedOp op);
    // What was never asked of a server ends here; the rest when one answers for it.
    void fence(std::function<void()> done);

private:
    using ServedOps = std::list<ServedOp>;

    void connect();
    void connected(const Result<ServedDescription>& description);
    void first_connected(const Result<ServedDescription>& description);
    Error refusal(const ServedDescription& description) const;
    void lost(const Error& error);
    void look_for_end();
    void end_told(bool ended);

    void hand_over(ServedOps::iterator op);
    void answered(ServedOps::iterator op, int error);
    void end(ServedOps::iterator op, Outcome outcome);
    void end_later(ServedOps::iterator op, Outcome outcome);
    void end_all(Outcome outcome);
    void look_at_fences();

    boost::asio::io_context& io_;
    ServedDisk disk_;
    const NbdLibrary& lib_;
    boost::asio::steady_timer again_;
    boost::asio::steady_timer look_again_;
    Logger log_;
    ExportName name_;
    std::shared_ptr<NbdLink> link_;  // shared with its waits
    LineOpened opened_;
    std::uint64_t octets_ = 0;
    std::uint64_t life_ = 0;
    bool is_connected_ = false;
    bool broken_ = false;  // another disk, another life of its cache, or a server that has ended
    bool stopped_ = false;
    bool looking_ = false;  // for the server's end
    ServedOps ops_;
    std::size_t ending_ = 0;  // their ends are posted
    std::vector<std::function<void()>> fences_;
};

}  // namespace quorate::shadowing
