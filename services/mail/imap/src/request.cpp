#include "request.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "parse_arguments.hpp"
#include "parse_fetch.hpp"
#include "parse_search.hpp"
#include "special_use.hpp"

namespace quorate::mail::imap {
namespace {

constexpr unsigned kAny = kNotAuthenticated | kAuthenticated | kSelected;
constexpr unsigned kLoggedIn = kAuthenticated | kSelected;

// RFC 2971 3.3
constexpr std::size_t kIdFieldsMax = 30;
constexpr std::size_t kIdNameBytesMax = 30;
constexpr std::size_t kIdValueBytesMax = 1024;

template <class T>
bool parse_bare(Lexer& lexer, Request& out) {
    out.what.emplace<T>();
    return lexer.end();
}

template <class T>
T& work(Request& out) {
    return out.what.emplace<Work>().emplace<T>();
}

// ---- any state

bool parse_id_field(Lexer& lexer, IdRequest& out) {
    if (out.fields.size() == kIdFieldsMax) {
        return lexer.fail("more than 30 fields");
    }
    auto& [name, value] = out.fields.emplace_back();
    if (!lexer.string(name) || !lexer.space() || !lexer.nstring(value)) {
        return false;
    }
    return (name.size() <= kIdNameBytesMax && value.size() <= kIdValueBytesMax) ||
           lexer.fail("name above 30 or value above 1024 octets");
}

bool parse_id(Lexer& lexer, Request& out) {
    auto& id = out.what.emplace<IdRequest>();
    if (!lexer.space()) {
        return false;
    }
    if (!lexer.take('(')) {
        const auto begin = lexer.at();
        return (iequals(lexer.word(), "NIL") || lexer.fail_at(begin, "list or NIL expected")) &&
               lexer.end();
    }
    if (lexer.take(')')) {
        return lexer.end();
    }
    do {
        if (!parse_id_field(lexer, id)) {
            return false;
        }
    } while (lexer.take(' '));
    return lexer.expect(')', "space or ) expected") && lexer.end();
}

// ---- not authenticated

bool parse_login(Lexer& lexer, Request& out) {
    auto& login = out.what.emplace<LoginRequest>();
    return lexer.space() && lexer.astring(login.user) && lexer.space() &&
           lexer.astring(login.password) && lexer.end();
}

bool parse_authenticate(Lexer& lexer, Request& out) {
    auto& authenticate = out.what.emplace<AuthenticateRequest>();
    std::string_view mechanism;
    if (!lexer.space() || !lexer.atom(mechanism)) {
        return false;
    }
    authenticate.mechanism = to_upper(mechanism);
    if (lexer.take(' ')) {
        authenticate.initial = lexer.word();
        if (authenticate.initial->empty()) {
            return lexer.fail("initial response expected");
        }
    }
    return lexer.end();
}

// ---- authenticated

bool parse_enable(Lexer& lexer, Request& out) {
    auto& enable = out.what.emplace<EnableRequest>();
    if (!lexer.space()) {
        return false;
    }
    do {
        if (!lexer.atom(enable.capabilities.emplace_back())) {
            return false;
        }
    } while (lexer.take(' '));
    return lexer.end();
}

template <bool read_only>
bool parse_select(Lexer& lexer, Request& out) {
    auto& select = work<Select>(out);
    select.read_only = read_only;
    return lexer.space() && lexer.mailbox(select.mailbox) && lexer.end();
}

// use-attr of RFC 6154 6. A mailbox has one use here, and cannot be a view of all messages.
bool parse_use(Lexer& lexer, Create& create) {
    const auto begin = lexer.at();
    if (!lexer.expect('\\', "attribute expected")) {
        return false;
    }
    const auto attribute = lexer.name();
    if (attribute.empty()) {
        return lexer.fail_at(begin, "attribute expected");
    }
    const auto use = special_use_of(attribute);
    if (!use || *use == store::SpecialUse::kAll || *use == store::SpecialUse::kFlagged) {
        return lexer.refuse("USEATTR", "Mailboxes have no such use here");
    }
    if (*create.use != store::SpecialUse::kNone) {
        return lexer.refuse("USEATTR", "A mailbox has one use here");
    }
    create.use = use;
    return true;
}

// create-param of RFC 4466 2.2; USE is all there is.
bool parse_create_parameters(Lexer& lexer, Create& create) {
    const auto begin = lexer.at();
    if (!lexer.expect('(', "( expected")) {
        return false;
    }
    if (!iequals(lexer.name(), "USE")) {
        return lexer.fail_at(begin + 1, "unknown parameter of CREATE");
    }
    if (!lexer.space() || !lexer.expect('(', "( expected")) {
        return false;
    }
    create.use = store::SpecialUse::kNone;
    if (!lexer.take(')')) {
        do {
            if (!parse_use(lexer, create)) {
                return false;
            }
        } while (lexer.take(' '));
        if (!lexer.expect(')', "space or ) expected")) {
            return false;
        }
    }
    return lexer.expect(')', ") expected");
}

bool parse_create(Lexer& lexer, Request& out) {
    auto& create = work<Create>(out);
    auto& name = create.mailbox;
    if (!lexer.space() || !lexer.mailbox(name) ||
        (lexer.take(' ') && !parse_create_parameters(lexer, create)) || !lexer.end()) {
        return false;
    }
    // A separator at the end declares that children will follow; it is not part of the name.
    if (name.size() > 1 && name.back() == '/') {
        name.pop_back();
    }
    return true;
}

bool parse_delete(Lexer& lexer, Request& out) {
    return lexer.space() && lexer.mailbox(work<Delete>(out).mailbox) && lexer.end();
}

bool parse_rename(Lexer& lexer, Request& out) {
    auto& rename = work<Rename>(out);
    return lexer.space() && lexer.mailbox(rename.from) && lexer.space() &&
           lexer.mailbox(rename.to) && lexer.end();
}

template <bool subscribed>
bool parse_subscribe(Lexer& lexer, Request& out) {
    auto& subscribe = work<Subscribe>(out);
    subscribe.subscribed = subscribed;
    return lexer.space() && lexer.mailbox(subscribe.mailbox) && lexer.end();
}

template <bool subscribed>
bool parse_list(Lexer& lexer, Request& out) {
    auto& list = work<List>(out);
    list.subscribed = subscribed;
    return lexer.space() && lexer.astring(list.reference) && lexer.space() &&
           lexer.list_pattern(list.pattern) && lexer.end() &&
           lexer.decode_mailbox(list.reference) && lexer.decode_mailbox(list.pattern);
}

constexpr std::array<std::pair<std::string_view, StatusCommand::Item>, 7> kStatusItems{
    {{"MESSAGES", StatusCommand::kMessages},
     {"RECENT", StatusCommand::kRecent},
     {"UIDNEXT", StatusCommand::kUidNext},
     {"UIDVALIDITY", StatusCommand::kUidValidity},
     {"UNSEEN", StatusCommand::kUnseen},
     {"SIZE", StatusCommand::kSize},
     {"APPENDLIMIT", StatusCommand::kAppendLimit}}};

bool parse_status_item(Lexer& lexer, std::uint32_t& items) {
    const auto begin = lexer.at();
    const auto name = lexer.name();
    const auto* item = std::find_if(kStatusItems.begin(), kStatusItems.end(),
                                    [&](const auto& known) { return iequals(known.first, name); });
    if (item == kStatusItems.end()) {
        return lexer.fail_at(begin, "unknown STATUS item");
    }
    items |= item->second;
    return true;
}

bool parse_status(Lexer& lexer, Request& out) {
    auto& status = work<StatusCommand>(out);
    if (!lexer.space() || !lexer.mailbox(status.mailbox) || !lexer.space() ||
        !lexer.expect('(', "list of items expected")) {
        return false;
    }
    do {
        if (!parse_status_item(lexer, status.items)) {
            return false;
        }
    } while (lexer.take(' '));
    return lexer.expect(')', "space or ) expected") && lexer.end();
}

// Its message was not announced: with a literal it does not come here.
bool parse_append(Lexer& lexer, Request&) { return lexer.fail("literal expected"); }

// ---- selected

template <bool check>
bool parse_noop(Lexer& lexer, Request& out) {
    work<Noop>(out).check = check;
    return lexer.end();
}

template <bool expunge>
bool parse_unselect(Lexer& lexer, Request& out) {
    work<Unselect>(out).expunge = expunge;
    return lexer.end();
}

bool parse_expunge(Lexer& lexer, Request& out) {
    work<Expunge>(out);
    return lexer.end();
}

bool parse_uid_expunge(Lexer& lexer, Request& out) {
    auto& uids = work<Expunge>(out).uids.emplace();
    uids.uid = true;
    return lexer.space() && parse_set(lexer, uids) && lexer.end();
}

bool parse_store_item(Lexer& lexer, StoreFlags& out) {
    if (lexer.take('+')) {
        out.action = StoreFlags::Action::kAdd;
    } else if (lexer.take('-')) {
        out.action = StoreFlags::Action::kRemove;
    }
    const auto begin = lexer.at();
    const auto name = lexer.name();
    out.silent = iequals(name, "FLAGS.SILENT");
    return out.silent || iequals(name, "FLAGS") || lexer.fail_at(begin, "FLAGS expected");
}

template <bool uid>
bool parse_store(Lexer& lexer, Request& out) {
    auto& store = work<StoreFlags>(out);
    store.set.uid = uid;
    return lexer.space() && parse_set(lexer, store.set) && lexer.space() &&
           parse_store_item(lexer, store) && lexer.space() &&
           parse_store_flags(lexer, store.flags) && lexer.end();
}

template <bool uid, bool move>
bool parse_copy(Lexer& lexer, Request& out) {
    auto& copy = work<Copy>(out);
    copy.set.uid = uid;
    copy.move = move;
    return lexer.space() && parse_set(lexer, copy.set) && lexer.space() &&
           lexer.mailbox(copy.mailbox) && lexer.end();
}

void add_uid(std::vector<FetchItem>& items) {
    const bool there = std::any_of(items.begin(), items.end(), [](const auto& item) {
        return item.kind == FetchItem::Kind::kUid;
    });
    if (!there) {
        FetchItem item;
        item.kind = FetchItem::Kind::kUid;
        items.insert(items.begin(), std::move(item));
    }
}

template <bool uid>
bool parse_fetch(Lexer& lexer, Request& out) {
    auto& fetch = work<Fetch>(out);
    fetch.set.uid = uid;
    if (!lexer.space() || !parse_set(lexer, fetch.set) || !lexer.space() ||
        !parse_fetch_items(lexer, fetch.items) || !lexer.end()) {
        return false;
    }
    if (uid) {
        add_uid(fetch.items);
    }
    return true;
}

template <bool uid>
bool parse_search(Lexer& lexer, Request& out) {
    auto& search = work<Search>(out);
    search.uid = uid;
    return lexer.space() && parse_search_program(lexer, search.key) && lexer.end();
}

struct Spec {
    std::string_view name;
    unsigned states;
    bool (*parse)(Lexer&, Request&);
};

constexpr std::array<Spec, 36> kSpecs{{
    {"FETCH", kSelected, parse_fetch<false>},
    {"UID FETCH", kSelected, parse_fetch<true>},
    {"NOOP", kAny, parse_noop<false>},
    {"CAPABILITY", kAny, parse_bare<CapabilityRequest>},
    {"LOGOUT", kAny, parse_bare<LogoutRequest>},
    {"ID", kAny, parse_id},
    {"STARTTLS", kNotAuthenticated, parse_bare<StartTlsRequest>},
    {"LOGIN", kNotAuthenticated, parse_login},
    {"AUTHENTICATE", kNotAuthenticated, parse_authenticate},
    {"SELECT", kLoggedIn, parse_select<false>},
    {"EXAMINE", kLoggedIn, parse_select<true>},
    {"CREATE", kLoggedIn, parse_create},
    {"DELETE", kLoggedIn, parse_delete},
    {"RENAME", kLoggedIn, parse_rename},
    {"SUBSCRIBE", kLoggedIn, parse_subscribe<true>},
    {"UNSUBSCRIBE", kLoggedIn, parse_subscribe<false>},
    {"LIST", kLoggedIn, parse_list<false>},
    {"LSUB", kLoggedIn, parse_list<true>},
    {"STATUS", kLoggedIn, parse_status},
    {"APPEND", kLoggedIn, parse_append},
    {"IDLE", kLoggedIn, parse_bare<IdleRequest>},
    {"NAMESPACE", kLoggedIn, parse_bare<NamespaceRequest>},
    {"ENABLE", kLoggedIn, parse_enable},
    {"CHECK", kSelected, parse_noop<true>},
    {"CLOSE", kSelected, parse_unselect<true>},
    {"UNSELECT", kSelected, parse_unselect<false>},
    {"EXPUNGE", kSelected, parse_expunge},
    {"UID EXPUNGE", kSelected, parse_uid_expunge},
    {"STORE", kSelected, parse_store<false>},
    {"UID STORE", kSelected, parse_store<true>},
    {"COPY", kSelected, parse_copy<false, false>},
    {"UID COPY", kSelected, parse_copy<true, false>},
    {"MOVE", kSelected, parse_copy<false, true>},
    {"UID MOVE", kSelected, parse_copy<true, true>},
    {"SEARCH", kSelected, parse_search<false>},
    {"UID SEARCH", kSelected, parse_search<true>},
}};

const Spec* find_spec(bool uid, std::string_view name) {
    constexpr std::string_view kUid = "UID ";
    const auto prefix = uid ? kUid : std::string_view();
    for (const auto& spec : kSpecs) {
        if (spec.name.size() == prefix.size() + name.size() && spec.name.starts_with(prefix) &&
            iequals(spec.name.substr(prefix.size()), name)) {
            return &spec;
        }
    }
    return nullptr;
}

std::string_view wrong_state(const Spec& spec, State state) {
    if (state == kNotAuthenticated) {
        return "not valid before login";
    }
    return spec.states == kNotAuthenticated ? "not valid after login" : "no mailbox is selected";
}

const Spec* parse_spec(Lexer& lexer, State state, Request& out) {
    if (!lexer.tag(out.tag)) {
        out.tag = {};
        return nullptr;
    }
    if (!lexer.space()) {
        return nullptr;
    }
    const auto begin = lexer.at();
    auto name = lexer.name();
    const bool uid = iequals(name, "UID");
    if (uid && lexer.space()) {
        name = lexer.name();
    }
    const auto* spec = find_spec(uid, name);
    if (spec == nullptr) {
        lexer.fail_at(begin, "unknown command");
        return nullptr;
    }
    out.name = spec->name;
    if ((spec->states & state) == 0) {
        lexer.fail_at(begin, wrong_state(*spec, state));
        return nullptr;
    }
    return spec;
}

}  // namespace

Request parse_request(std::string_view text, State state) {
    Lexer lexer(text);
    Request request;
    const auto* spec = parse_spec(lexer, state, request);
    if (spec != nullptr) {
        spec->parse(lexer, request);
    }
    request.failure = lexer.failure();
    return request;
}

Request parse_head(std::string_view text, State state) {
    Lexer lexer(text);
    Request request;
    parse_spec(lexer, state, request);
    request.failure = lexer.failure();
    return request;
}

AppendHead parse_append_head(std::string_view text) {
    Lexer lexer(text);
    Request request;
    AppendHead head;
    auto& append = head.append;
    bool read = parse_spec(lexer, kAuthenticated, request) != nullptr && lexer.space() &&
                lexer.mailbox(append.mailbox);
    if (lexer.wants_literal()) {
        head.kind = AppendHead::Kind::kMailboxLiteral;
        return head;
    }
    read = read && lexer.space();
    if (read && lexer.peek() == '(') {
        read = parse_flag_list(lexer, append.flags) && lexer.space();
    }
    if (read && lexer.peek() == '"') {
        read = parse_date_time(lexer, append.date) && lexer.space();
    }
    read = read && lexer.literal_header(head.message) && lexer.end();
    if (read) {
        head.kind = AppendHead::Kind::kMessage;
    } else {
        head.failure = *lexer.failure();
    }
    return head;
}

}  // namespace quorate::mail::imap
