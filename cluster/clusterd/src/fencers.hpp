#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "chronicle.hpp"
#include "event_log.hpp"
#include "fencer_desk.hpp"
#include "fencer_file.hpp"
#include "io/event.hpp"
#include "io/thread_pool.hpp"

namespace quorate::cluster {

// The outside fencers of this node: other daemons that must confirm before anything of a lost life
// is used (docs/protocols/control.md, Fencers). A registration is durable before it is told, stays
// over the end of the program and of clusterd, and ends only when it is removed: a takeover that
// begins while the program is away waits for it.
//
// A program attaches by opening a stream; attached is whoever holds it open. At most one: a second
// one is refused until the first is gone, for it might confirm what the first has not done.
//
// Thread rule: io thread. Owned by the daemon; streams that outlive it at the end hold weak
// references.
class Fencers : public std::enable_shared_from_this<Fencers> {
public:
    using Feed = std::function<void(const MachineInput&)>;
    Fencers(boost::asio::io_context& io, io::ThreadPool& disk, std::string directory,
            EventLog& events, const Chronicle& chronicle)
        : disk_(disk),
          path_(std::move(directory) + "/fencers"),
          events_(events),
          chronicle_(chronicle),
          changed_(io) {}

    // At the start, blocking. Errors: the file is damaged or of a newer version; the operator's.
    Status load();
    // The machine hears of all of them, before it hears of the group.
    void start(Feed feed);
    // Streams end.
    void close();

    // What is registered. Callers look there first: the calls below want a name that is there, but
    // for add().
    const FencerDesk& desk() const { return desk_; }
    NameOf name_of() const {
        return [this](NodeId node) { return chronicle_.name_of(node); };
    }

    // Errors: the file cannot be written, nothing has changed then; errc::refused: another one came
    // first.
    boost::asio::awaitable<Status> add(std::string name, std::uint32_t uid);
    boost::asio::awaitable<Status> remove(std::string name);
    // `session` 0: an operator speaks in its place. False: it is not asked for that.
    bool confirm(const std::string& name, MemberId lost, std::uint64_t session);

    // What the machine says.
    void ask(const Fence& fence);
    void tell(const ViewCommitted& committed);
    void tell(const TakeoverAllowed& allowed);

    // One program's requests, a JSON object a line. Attached until its destruction.
    class Stream {
    public:
        Stream(std::weak_ptr<Fencers> fencers, std::string name, std::uint64_t session)
            : fencers_(std::move(fencers)), name_(std::move(name)), session_(session) {}
        ~Stream();
        Stream(const Stream&) = delete;
        Stream& operator=(const Stream&) = delete;

        // Waits for the next lines; an empty line comes when there is none for a second, so that a
        // program that is gone is noticed. Empty: the end.
        boost::asio::awaitable<std::string> next();

    private:
        std::weak_ptr<Fencers> fencers_;
        std::string name_;
        std::uint64_t session_;
        FencerDesk::Told told_;
        bool greeted_ = false;
        bool ended_ = false;
    };
    // Null: another program is attached, and still there when looked at again.
    boost::asio::awaitable<std::unique_ptr<Stream>> attach(std::string name, std::uint32_t process);

private:
    boost::asio::awaitable<Status> lock();
    boost::asio::awaitable<Status> write(FencerOwners owners);
    FencerOwners owners() const;
    void detach(const std::string& name, std::uint64_t session);
    std::string lines_for(const std::string& name, FencerDesk::Told& told) const;
    void note(const char* kind, const std::string& name, const std::string& text,
              boost::json::object more = {});
    void notify();

    io::ThreadPool& disk_;
    std::string path_;
    EventLog& events_;
    const Chronicle& chronicle_;
    Logger log_;
    Feed feed_;
    FencerDesk desk_;
    io::Event changed_;
    bool writing_ = false;
    bool closed_ = false;
};

}  // namespace quorate::cluster
