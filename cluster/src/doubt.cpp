#include "doubt.hpp"

#include "mutation.hpp"

namespace quorate::cluster {

void Doubt::says(const Hello& hello) {
    said_ = earlier(said_, first_epoch_from(hello));
    offered_ = earlier(offered_, said_);
}

void Doubt::group_changes(bool same_ring) {
    confirm(same_ring ? heard_ : earlier(heard_, offered_));
    heard_ = said_ = Epoch();
    offered_ = same_ring ? offered_ : Epoch();
}

void Doubt::confirm(Epoch least) {
    if (!mutated("certain_of_proposals")) {
        certain_ = earlier(certain_, least);
    }
}

}  // namespace quorate::cluster
