#include "session_table.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace quorate::mail {

SessionTable::Entry::~Entry() {
    if (table_ == nullptr) {
        return;
    }
    decrement(table_->by_address_, row_->address);
    clear_account();
    table_->rows_.erase(row_);
}

bool SessionTable::Entry::set_account(const std::string& account) {
    if (row_->account == account) {
        return true;
    }
    const auto held = table_->by_account_.find(account);
    if (held != table_->by_account_.end() && held->second >= table_->limits_.connections_per_user) {
        return false;
    }
    clear_account();
    ++table_->by_account_[account];
    row_->account = account;
    return true;
}

void SessionTable::Entry::clear_account() {
    if (!row_->account.empty()) {
        decrement(table_->by_account_, row_->account);
        row_->account.clear();
    }
}

void SessionTable::Entry::set_address(std::string address, std::uint16_t port) {
    decrement(table_->by_address_, row_->address);
    ++table_->by_address_[address];
    row_->address = std::move(address);
    row_->port = port;
}

std::string_view SessionTable::refusal(const std::string& address) const {
    if (rows_.size() > limits_.connections) {
        return "too many connections";
    }
    const auto found = by_address_.find(address);
    if (address != "unix" && found != by_address_.end() &&
        found->second > limits_.connections_per_address) {
        return "too many connections from your address";
    }
    return {};
}

SessionTable::Entry SessionTable::add(Row row) {
    row.id = next_id_++;
    ++by_address_[row.address];
    rows_.push_back(std::move(row));
    return Entry(*this, std::prev(rows_.end()));
}

bool SessionTable::kick(std::uint64_t id) {
    const auto known =
        std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.id == id; });
    end_where([&](const Row& row) { return row.id == id; }, End::kByOperator);
    return known;
}

void SessionTable::close_account(std::string_view account) {
    end_where([&](const Row& row) { return row.account == account; }, End::kAccountClosed);
}

void SessionTable::end_all(End how) {
    end_where([](const Row&) { return true; }, how);
}

void SessionTable::end_where(const std::function<bool(const Row&)>& chosen, End how) {
    // An end may take the row out of the table at once.
    std::vector<std::function<void(End)>> ends;
    for (const auto& row : rows_) {
        if (chosen(row)) {
            ends.push_back(row.end);
        }
    }
    for (const auto& end : ends) {
        end(how);
    }
}

void SessionTable::decrement(Counts& counts, const std::string& key) {
    const auto found = counts.find(key);
    if (--found->second == 0) {
        counts.erase(found);
    }
}

}  // namespace quorate::mail
