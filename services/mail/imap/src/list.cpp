#include "list.hpp"

#include <map>
#include <utility>
#include <vector>

#include "list_pattern.hpp"
#include "mailbox_name.hpp"
#include "render.hpp"

namespace quorate::mail::imap {
namespace {

// Steps of matching before other sessions of the account have their turn.
constexpr std::size_t kStepsPerSlice = 4'000'000;

struct Attributes {
    bool exists = false;  // else \Noselect
    bool has_children = false;
    store::SpecialUse special_use = store::SpecialUse::kNone;
};
using Names = std::map<std::string, Attributes, std::less<>>;

// Calls `use` with "a", "a/b" for "a/b/c".
template <class Use>
void for_each_parent(std::string_view name, Use use) {
    for (auto at = name.find('/'); at != std::string_view::npos; at = name.find('/', at + 1)) {
        use(name.substr(0, at));
    }
}

Names names_of(const std::vector<store::MailboxInfo>& mailboxes) {
    Names names;
    for (const auto& info : mailboxes) {
        auto& own = names[info.name];
        own.exists = true;
        own.special_use = info.special_use;
        for_each_parent(info.name, [&](std::string_view parent) {
            names[std::string(parent)].has_children = true;
        });
    }
    return names;
}

void append_line(std::string& out, std::string_view response, std::string_view attributes,
                 std::string_view name) {
    out.append("* ").append(response).append(" (").append(attributes).append(") \"/\" ");
    append_astring(out, encode_mailbox_name(name));
    out.append("\r\n");
}

std::string list_attributes(const Attributes& attributes) {
    std::string text = attributes.exists ? "" : "\\Noselect ";
    text.append(attributes.has_children ? "\\HasChildren" : "\\HasNoChildren");
    if (attributes.special_use != store::SpecialUse::kNone) {
        text.append(" ").append(special_use_name(attributes.special_use));
    }
    return text;
}

// Goes through names in their order and tells those that match.
class ListJob final : public Job {
public:
    ListJob(std::string_view pattern, Names names)
        : pattern_(pattern), names_(std::move(names)), next_(names_.begin()) {}

    Result<std::optional<Completion>> run(Turn& turn) override {
        std::size_t steps = 0;
        for (; next_ != names_.end(); ++next_) {
            if (turn.full() || steps > kStepsPerSlice) {
                return std::optional<Completion>();
            }
            const auto& [name, attributes] = *next_;
            steps += pattern_.size() * name.size() + 1;
            if (pattern_.matches(name)) {
                append_line(turn.out, "LIST", list_attributes(attributes), name);
            }
        }
        return std::optional(completed(Updates::kAll));
    }

private:
    ListPattern pattern_;
    Names names_;
    Names::const_iterator next_;
};

// RFC 3501 6.3.9: when "foo/bar" is subscribed and "foo" is not, "%" returns foo with \Noselect.
class LsubJob final : public Job {
public:
    LsubJob(std::string_view pattern, std::vector<std::string> subscriptions)
        : pattern_(pattern), subscriptions_(std::move(subscriptions)) {}

    Result<std::optional<Completion>> run(Turn& turn) override {
        for (std::size_t steps = 0; next_ < subscriptions_.size(); ++next_) {
            if (steps > kStepsPerSlice) {
                return std::optional<Completion>();
            }
            steps += match(subscriptions_[next_]);
        }
        while (!found_.empty() && !turn.full()) {
            const auto first = found_.begin();
            append_line(turn.out, "LSUB", first->second ? "" : "\\Noselect", first->first);
            found_.erase(first);
        }
        return found_.empty() ? std::optional(completed(Updates::kAll)) : std::nullopt;
    }

private:
    // Returns how much work it was.
    std::size_t match(std::string_view name) {
        auto steps = pattern_.size() * name.size() + 1;
        if (pattern_.matches(name)) {
            found_[std::string(name)] = true;
        } else if (pattern_.ends_with_percent()) {
            for_each_parent(name, [&](std::string_view parent) {
                steps += pattern_.size() * parent.size() + 1;
                if (pattern_.matches(parent)) {
                    found_.try_emplace(std::string(parent), false);
                }
            });
        }
        return steps;
    }

    ListPattern pattern_;
    std::vector<std::string> subscriptions_;
    std::size_t next_ = 0;
    std::map<std::string, bool, std::less<>> found_;  // false: only a parent
};

}  // namespace

Result<Reply> run_list(Turn& turn, const List& command) {
    if (command.subscribed) {
        QUORATE_TRY(auto subscriptions, turn.account().subscriptions());
        return Reply(std::make_unique<LsubJob>(command.reference + command.pattern,
                                               std::move(subscriptions)));
    }
    // RFC 3501 6.3.8: "An empty ("" string) mailbox name argument is a special request to return
    // the hierarchy delimiter and the root name of the name given in the reference."
    if (command.pattern.empty()) {
        append_line(turn.out, "LIST", "\\Noselect", "");
        return Reply(completed(Updates::kAll));
    }
    QUORATE_TRY(const auto mailboxes, turn.account().mailboxes());
    return Reply(
        std::make_unique<ListJob>(command.reference + command.pattern, names_of(mailboxes)));
}

}  // namespace quorate::mail::imap
