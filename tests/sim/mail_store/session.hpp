#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mail/store/account.hpp"
#include "model.hpp"

namespace quorate::mail::store {

// What an IMAP session was told of its selected mailbox, from the changes that its view reported;
// compared with the model and with the view itself.
class Session {
public:
    // `box` as it is now.
    Session(std::unique_ptr<View> view, const ModelMailbox& box);

    View& view() { return *view_; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(shown_.size()); }
    const ModelMessage& shown(std::uint32_t position) const { return shown_[position]; }
    // What it changed itself is not reported to it.
    void changed_by_itself(Uid uid, const ModelMailbox& box);

    // `box`: nullptr when the mailbox is gone. Empty: the view kept its promises.
    std::string sync(bool expunges, const ModelMailbox* box);
    std::string check(Account& account, const ModelMailbox* box, Random& random);

private:
    using Flags = std::pair<FlagBits, std::set<std::string>>;
    static Flags flags_of(const ModelMessage& message) {
        return {message.system_flags, message.keywords};
    }
    std::string apply_expunges(const View::Changes& changes, const ModelMailbox& box);
    std::string apply_growth(const View::Changes& changes, const ModelMailbox& box);
    std::string apply_flags(const View::Changes& changes, const ModelMailbox& box);

    std::unique_ptr<View> view_;
    std::vector<ModelMessage> shown_;
    std::map<Uid, Flags> told_;
    Uid next_ = 1;  // first uid that it was not told of
    std::size_t keywords_ = 0;
};

}  // namespace quorate::mail::store
