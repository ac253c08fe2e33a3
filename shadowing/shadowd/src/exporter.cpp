#include "exporter.hpp"

#include <unistd.h>

#include <utility>

#include "export_file.hpp"
#include "io/address.hpp"

namespace quorate::shadowing {
Exporter::Exporter(boost::asio::io_context& io, std::string unit, std::string data_socket,
                   std::string nbd_socket)
    : io_(io),
      unit_(std::move(unit)),
      data_socket_(std::move(data_socket)),
      nbd_socket_(std::move(nbd_socket)),
      log_(Logger().with("unit", unit_)) {}

Exporter::~Exporter() { ::unlink(nbd_socket_.c_str()); }

Status Exporter::start() {
    offers_.push_back({{"--unix", nbd_socket_}, nullptr, nullptr});
    offer_to_network();
    for (auto& offer : offers_) {
        QUORATE_CHECK(start(offer));
    }
    return {};
}

void Exporter::offer_to_network() {
    const auto file = read_export_file(unit_);
    if (!file) {
        log_.error("not_offered_to_network", "why", file.error().to_string());
        return;
    }
    if (!*file) {
        return;
    }
    const auto address = io::Address::parse((*file)->address);
    offers_.push_back({{"--ipaddr", address->host, "--port", std::to_string(address->port),
                        "--tls=require", "--tls-psk=" + (*file)->clients},
                       nullptr,
                       nullptr});
    log_.info("offered_to_network", "address", (*file)->address);
}

Status Exporter::start(Offer& offer) const {
    if (offer.words.front() == "--unix") {
        ::unlink(nbd_socket_.c_str());
    }
    std::vector<std::string> words{"nbdkit", "--foreground", "--exit-with-parent", "--threads=32"};
    words.insert(words.end(), offer.words.begin(), offer.words.end());
    words.insert(words.end(), {nbdkit_plugin("quorate"), "socket=" + data_socket_});
    const auto ended = std::make_shared<bool>(false);
    QUORATE_TRY(offer.process, NbdkitProcess::start(io_, words, {}, [ended] { *ended = true; }));
    offer.ended = ended;
    return {};
}

void Exporter::look() {
    for (auto& offer : offers_) {
        if (offer.process && *offer.ended) {
            log_.warn("nbdkit_ended", "hint", "it is started again");
            offer.process.reset();
        }
        if (!offer.process) {
            if (const auto started = start(offer); !started) {
                log_.error("nbdkit_not_started", "why", started.error().to_string());
            }
        }
    }
}

}  // namespace quorate::shadowing
