#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "quorum/header.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/io/disk.hpp"

// A quorum disk before anybody votes with it. These run `io` meanwhile: for tools, not for quorumd.
namespace quorate::quorum {

struct DiskContent {
    bool blank = false;             // all zeros where the pages of a quorum disk are
    std::optional<Header> header;   // it is one
    std::vector<Heartbeat> voters;  // what each node said last
    std::string objection;          // why it must not be used, whatever the operator says
    std::string text() const;       // "a quorum disk of the cluster mail", "not blank"
};
Result<DiskContent> inspect(boost::asio::io_context& io, Disk& disk);

// Every page of the places of `header` is blank afterwards, and both copies of it are there.
Status format(boost::asio::io_context& io, Disk& disk, const Header& header);

}  // namespace quorate::quorum
