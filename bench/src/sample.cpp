#include "sample.hpp"

#include <string_view>

#include <fmt/core.h>

namespace quorate::bench {

Sample::Sample(std::size_t size) : size_(size) {
    constexpr std::string_view kWords =
        "The cluster keeps every message that it has answered for, and any node may serve it";
    for (std::size_t line = 0; text_.size() < size; ++line) {
        text_ += fmt::format("{:06} {}\r\n", line, kWords.substr(0, 40 + line % 40));
    }
}

std::string Sample::message(std::uint64_t number) const {
    std::string message = fmt::format(
        "Received: from client.example.net (client.example.net [192.0.2.7])\r\n"
        "\tby relay.example.org with ESMTPS id {0:012x};\r\n"
        "\tTue, 2 Mar 2021 10:{1:02}:{2:02} +0100\r\n"
        "Date: Tue, 2 Mar 2021 10:{1:02}:{2:02} +0100\r\n"
        "From: \"Ada Example, Sales\" <ada.example@client.example.net>\r\n"
        "To: Bob Sample <bob.sample@example.test>, carol@example.org\r\n"
        "Cc: \"The list\" <list@lists.example.org>\r\n"
        "Subject: Order {0} of the spring mailing has been shipped\r\n"
        "Message-ID: <{0}.mailing@client.example.net>\r\n"
        "In-Reply-To: <{3}.mailing@client.example.net>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n",
        number, number / 60 % 60, number % 60, number / 2);
    if (message.size() + 2 < size_) {
        message.append(text_, 0, size_ - message.size() - 2);
        // A cut CR LF would leave a bare CR.
        if (message.back() == '\r') {
            message.back() = 'x';
        }
        message += "\r\n";
    }
    return message;
}

std::string numbered(const std::string& pattern, std::uint64_t number) {
    const std::size_t at = pattern.find("%d");
    if (at == std::string::npos) {
        return pattern;
    }
    return pattern.substr(0, at) + std::to_string(number) + pattern.substr(at + 2);
}

}  // namespace quorate::bench
