#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "mail/imap/command.hpp"
#include "support/octets.hpp"

// Commands as one line of text, for transcripts and expectations.
namespace quorate::mail::imap {

inline std::string describe_text(std::string_view text) {
    return '"' + support::escape_octets(text) + '"';
}

inline std::string describe(const MessageSet& set) {
    std::string out = set.uid ? "uid:" : "";
    const auto number = [&](std::uint32_t value) {
        out += value == kStar ? "*" : std::to_string(value);
    };
    for (const auto& range : set.ranges) {
        if (&range != &set.ranges.front()) {
            out += ',';
        }
        number(range.first);
        if (range.last != range.first) {
            out += ':';
            number(range.last);
        }
    }
    return out;
}

inline std::string describe(const FlagList& flags) {
    std::string out = "(";
    const auto add = [&](std::string_view word) {
        out += out.size() > 1 ? " " : "";
        out += word;
    };
    using Name = std::pair<store::FlagBits, std::string_view>;
    for (const auto& [bit, name] :
         {Name{store::kSeen, "\\Seen"}, Name{store::kAnswered, "\\Answered"},
          Name{store::kFlagged, "\\Flagged"}, Name{store::kDeleted, "\\Deleted"},
          Name{store::kDraft, "\\Draft"}}) {
        if ((flags.system & bit) != 0) {
            add(name);
        }
    }
    for (const auto& keyword : flags.keywords) {
        add(keyword);
    }
    return out + ")";
}

inline std::string describe(const FetchSection& section) {
    std::string out = section.peek ? "peek " : "";
    out += section.label + "=[";
    for (const auto number : section.path) {
        out += std::to_string(number) + ".";
    }
    switch (section.section) {
        case message::Section::kAll:
            out += "all";
            break;
        case message::Section::kHeader:
            out += "header";
            break;
        case message::Section::kText:
            out += "text";
            break;
        case message::Section::kMime:
            out += "mime";
            break;
    }
    if (section.fields != FetchSection::Fields::kNone) {
        out += section.fields == FetchSection::Fields::kThese ? " these" : " others";
    }
    for (const auto& name : section.names) {
        out += " " + describe_text(name);
    }
    out += "]";
    if (section.partial) {
        out += fmt::format("<{}.{}>", section.partial->offset, section.partial->size);
    }
    return out;
}

inline std::string describe(const FetchItem& item) {
    switch (item.kind) {
        case FetchItem::Kind::kFlags:
            return "flags";
        case FetchItem::Kind::kUid:
            return "uid";
        case FetchItem::Kind::kInternalDate:
            return "internaldate";
        case FetchItem::Kind::kSize:
            return "size";
        case FetchItem::Kind::kEnvelope:
            return "envelope";
        case FetchItem::Kind::kBody:
            return "body";
        case FetchItem::Kind::kBodystructure:
            return "bodystructure";
        case FetchItem::Kind::kSection:
            return describe(item.section);
    }
    return "?";
}

inline std::string describe(const SearchKey& key);

inline std::string describe_keys(std::string_view word, const SearchKey& key) {
    std::string out = "(" + std::string(word);
    for (const auto& child : key.children) {
        out += " " + describe(child);
    }
    return out + ")";
}

inline std::string describe(const SearchKey& key) {
    using Kind = SearchKey::Kind;
    const auto flags = [&] { return describe(FlagList{key.flags, {}}); };
    switch (key.kind) {
        case Kind::kAll:
            return key.children.empty() ? "all" : describe_keys("and", key);
        case Kind::kNot:
            return describe_keys("not", key);
        case Kind::kOr:
            return describe_keys("or", key);
        case Kind::kSet:
            return describe(key.set);
        case Kind::kHasFlags:
            return "has" + flags();
        case Kind::kLacksFlags:
            return "lacks" + flags();
        case Kind::kKeyword:
            return "keyword " + key.name;
        case Kind::kUnkeyword:
            return "unkeyword " + key.name;
        case Kind::kRecent:
            return "recent";
        case Kind::kOld:
            return "old";
        case Kind::kBefore:
            return fmt::format("before day {}", key.day);
        case Kind::kOn:
            return fmt::format("on day {}", key.day);
        case Kind::kSince:
            return fmt::format("since day {}", key.day);
        case Kind::kSentBefore:
            return fmt::format("sent before day {}", key.day);
        case Kind::kSentOn:
            return fmt::format("sent on day {}", key.day);
        case Kind::kSentSince:
            return fmt::format("sent since day {}", key.day);
        case Kind::kLarger:
            return fmt::format("larger {}", key.number);
        case Kind::kSmaller:
            return fmt::format("smaller {}", key.number);
        case Kind::kHeader:
            return "header " + describe_text(key.name) + " " + describe_text(key.text);
        case Kind::kBodyText:
            return "body " + describe_text(key.text);
        case Kind::kText:
            return "text " + describe_text(key.text);
    }
    return "?";
}

struct CommandDescriber {
    std::string operator()(const Noop& noop) const { return noop.check ? "check" : "noop"; }
    std::string operator()(const Poll&) const { return "poll"; }
    std::string operator()(const Select& select) const {
        return (select.read_only ? "examine " : "select ") + describe_text(select.mailbox);
    }
    std::string operator()(const Unselect& unselect) const {
        return unselect.expunge ? "close" : "unselect";
    }
    std::string operator()(const Create& create) const {
        return "create " + describe_text(create.mailbox) +
               (create.use ? fmt::format(" use \"{}\"", store::special_use_name(*create.use)) : "");
    }
    std::string operator()(const Delete& removed) const {
        return "delete " + describe_text(removed.mailbox);
    }
    std::string operator()(const Rename& rename) const {
        return "rename " + describe_text(rename.from) + " " + describe_text(rename.to);
    }
    std::string operator()(const Subscribe& subscribe) const {
        return (subscribe.subscribed ? "subscribe " : "unsubscribe ") +
               describe_text(subscribe.mailbox);
    }
    std::string operator()(const List& list) const {
        return (list.subscribed ? "lsub " : "list ") + describe_text(list.reference) + " " +
               describe_text(list.pattern);
    }
    std::string operator()(const StatusCommand& status) const {
        return fmt::format("status {} items {}", describe_text(status.mailbox), status.items);
    }
    std::string operator()(const AppendCheck& check) const {
        return fmt::format("append-check {} size {}", describe_text(check.mailbox), check.size);
    }
    std::string operator()(const Append& append) const {
        const auto date =
            append.date ? " \"" + message::format_imap_date_time(*append.date) + '"' : "";
        return "append " + describe_text(append.mailbox) + " " + describe(append.flags) + date;
    }
    std::string operator()(const Expunge& expunge) const {
        return expunge.uids ? "expunge " + describe(*expunge.uids) : "expunge";
    }
    std::string operator()(const StoreFlags& store) const {
        using Action = StoreFlags::Action;
        const auto sign = store.action == Action::kAdd      ? "+"
                          : store.action == Action::kRemove ? "-"
                                                            : "=";
        return fmt::format("store {} {}{}{}", describe(store.set), sign, describe(store.flags),
                           store.silent ? " silent" : "");
    }
    std::string operator()(const Copy& copy) const {
        return fmt::format("{} {} {}", copy.move ? "move" : "copy", describe(copy.set),
                           describe_text(copy.mailbox));
    }
    std::string operator()(const Fetch& fetch) const {
        auto out = "fetch " + describe(fetch.set);
        for (const auto& item : fetch.items) {
            out += " " + describe(item);
        }
        return out;
    }
    std::string operator()(const Search& search) const {
        return (search.uid ? "uid search " : "search ") + describe(search.key);
    }
};

inline std::string describe(const Command& command) {
    return std::visit(CommandDescriber{}, command.what);
}

}  // namespace quorate::mail::imap
