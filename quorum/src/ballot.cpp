#include "quorum/ballot.hpp"

#include "codec.hpp"

namespace quorate::quorum {

std::string encode(const Ballot& ballot) {
    std::string fields;
    ByteWriter out(fields);
    out.u64(ballot.epoch.value());
    out.u64(ballot.entered);
    out.u64(ballot.accepted);
    put(out, ballot.award);
    out.u64(ballot.committed.value());
    put(out, ballot.committed_award);
    return seal({PageKind::kBallot, ballot.node, ballot.sequence, ballot.cluster}, fields);
}

Result<Ballot> decode_ballot(std::string_view bytes, NodeId owner) {
    QUORATE_TRY(const auto page, open_page(bytes, PageKind::kBallot, owner));
    ByteReader in(page.fields);
    Ballot ballot;
    ballot.node = owner;
    ballot.sequence = page.head.sequence;
    ballot.cluster = page.head.cluster;
    ballot.epoch = Epoch(in.u64());
    ballot.entered = in.u64();
    ballot.accepted = in.u64();
    ballot.award = get_award(in);
    ballot.committed = Epoch(in.u64());
    ballot.committed_award = get_award(in);
    QUORATE_CHECK(check_read(
        in, page, ballot.accepted <= ballot.entered && ballot.committed <= ballot.epoch));
    return ballot;
}

}  // namespace quorate::quorum
