#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "control_routes.hpp"

namespace quorate::mail {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

json::object to_json(const store::MailboxInfo& mailbox) {
    return {{"name", mailbox.name},
            {"messages", mailbox.messages},
            {"unseen", mailbox.unseen},
            {"recent", mailbox.recent},
            {"size", mailbox.size},
            {"uid_validity", mailbox.uid_validity},
            {"uid_next", mailbox.uid_next},
            {"highest_modseq", mailbox.highest_modseq},
            {"object_id", mailbox.object_id.to_hex()},
            {"special_use", store::special_use_name(mailbox.special_use)},
            {"subscribed", mailbox.subscribed}};
}

struct Contents {
    std::vector<store::MailboxInfo> mailboxes;
    store::QuotaUse use;
    store::QuotaLimits limits;
};

Result<Contents> read_contents(store::Account& account) {
    QUORATE_TRY(auto mailboxes, account.mailboxes());
    return Contents{std::move(mailboxes), account.quota_use(), account.quota_limits()};
}

class MailRoutes {
public:
    explicit MailRoutes(ServerContext& server) : server_(server) {}

    awaitable<ControlResponse> show(ControlRequest request) {
        const auto record = find_account(server_, request.parameter("address"));
        if (!record) {
            co_return to_response(record.error());
        }
        const auto slot = slot_of(*record);
        auto contents = co_await server_.desk.run(slot, read_contents);
        if (!contents) {
            co_return to_response(contents.error());
        }
        json::array rows;
        for (const auto& mailbox : contents->mailboxes) {
            rows.push_back(to_json(mailbox));
        }
        ControlResponse response;
        response.body = json::object{{"account", record->address},
                                     {"bytes", contents->use.bytes},
                                     {"messages", contents->use.messages},
                                     {"quota_bytes", contents->limits.bytes},
                                     {"quota_messages", contents->limits.messages},
                                     {"mailboxes", std::move(rows)}};
        co_return response;
    }

    awaitable<ControlResponse> verify(ControlRequest request) {
        const auto record = find_account(server_, request.parameter("address"));
        if (!record) {
            co_return to_response(record.error());
        }
        const auto slot = slot_of(*record);
        auto report = co_await server_.workers.run(
            slot->strand(), [&] { return server_.store.verify(slot->id()); });
        // Opened for the first time by its first message or login: until then nothing is there.
        if (!report && report.error().code == store::errc::no_such_account) {
            report = store::Store::VerifyReport();
        }
        if (!report) {
            co_return to_response(report.error());
        }
        if (!report->problems.empty()) {
            server_.log.error("mail_damaged", "account", record->address, "problems",
                              report->problems.size(), "first", report->problems.front());
        }
        ControlResponse response;
        response.body = json::object{{"account", record->address},
                                     {"mailboxes", report->mailboxes},
                                     {"messages", report->messages},
                                     {"bytes", report->bytes},
                                     {"problems", json::value_from(report->problems)}};
        co_return response;
    }

private:
    std::shared_ptr<AccountSlot> slot_of(const auth::AccountRecord& record) {
        return server_.desk.slot(store::AccountId(record.id),
                                 {record.quota_bytes, record.quota_messages});
    }
    ServerContext& server_;
};

}  // namespace

void add_mail_routes(io::ControlServer& control, ServerContext& server) {
    const RouteAdder add(control, server, std::make_shared<MailRoutes>(server));
    add("GET", "/v1/mail/{address}", &MailRoutes::show);
    add("POST", "/v1/mail/{address}/verify", &MailRoutes::verify);
}

}  // namespace quorate::mail
