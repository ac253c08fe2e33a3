#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "shadowing/io/member.hpp"
#include "shadowing/served/export_name.hpp"

// A member in RADOS, the object store of Ceph: objects of 4 MiB in a pool, through librados.
// docs/formats/rados-member.md. What is acknowledged is on stable storage of all replicas, so a
// flush has nothing to do, and there is no volatile cache to lose.
namespace quorate::shadowing {

// rados:POOL/NAME?conf=FILE&id=NAME&namespace=NAME&size=OCTETS; what stands after the ? may be left
// out.
struct RadosPlace {
    std::string pool;
    std::string name;
    std::string conf;  // empty: where Ceph looks for it
    std::string id = "admin";
    std::string name_space;
    std::uint64_t octets = 0;  // of one that is made when it is labelled; 0: it must be there
    bool operator==(const RadosPlace&) const = default;
};
bool is_rados_place(std::string_view text);
// Errors: errc::refused, with what is wrong.
Result<RadosPlace> parse_rados_place(std::string_view text);

// What becomes of those that are noted already: a set of several nodes asks who of them was lost,
// that of one machine without a cluster knows that they are all dead lives of its own.
enum class RadosOthers : std::uint8_t { kStay, kShutOut };

// Connects and reads the header, on a thread of its own; the opener's address is noted beside it
// first, so that drop_rados_opener() finds it. `done` runs on the io thread, never before the call
// returned. Errors: errc::refused, the place is none; std::errc::not_supported, librados is not
// installed; errno's values (ENOENT: nothing was made there).
//
// Operations wait as long as the cluster does not answer. fence() ends when it has answered all.
// Outcome::kRefused: this client was shut out (blocklisted); only another one gets in again.
void open_rados_member(boost::asio::io_context& io, const std::string& place, ServedOpener opener,
                       RadosOthers others, Opened done);

// The same, on this thread: it blocks, ten seconds at most where no monitor answers.
Result<std::unique_ptr<Member>> connect_rados_member(boost::asio::io_context& io,
                                                     const std::string& place, ServedOpener opener,
                                                     RadosOthers others);

// Of a new member: its header. Blocks. Errors: errc::refused, there is one of another size already;
// errno's values.
Status make_rados_member(const std::string& place, std::uint64_t octets);

// Shuts an opener out: every client that it noted is put on the blocklist (`process` 0: of every
// opener of that life of the node), and the map that says so is in force for this process. Nothing
// of the opener has an effect any more for whoever has that map or a newer one. `done` runs on the
// io thread. Errors: errno's values; nothing is promised then, try again.
using RadosDropped = std::function<void(Status)>;
void drop_rados_opener(boost::asio::io_context& io, const std::string& place, ServedOpener opener,
                       RadosDropped done);

}  // namespace quorate::shadowing
