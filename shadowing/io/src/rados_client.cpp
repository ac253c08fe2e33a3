#include "rados_client.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::string_view kScheme = "rados:";
constexpr std::string_view kOpenerKey = "quorate.opener.";

// Whatever the client's file says: an I/O is never given up, for the OSD may still carry it out; a
// monitor that does not answer is asked again by who opens the member.
constexpr std::pair<const char*, const char*> kClientOptions[] = {
    {"rados_osd_op_timeout", "0"},
    {"rados_mon_op_timeout", "10"},
    {"client_mount_timeout", "10"},
    {"ms_async_op_threads", "1"},
    {"log_file", ""},
    {"log_to_stderr", "false"},
    {"err_to_stderr", "false"},
    {"admin_socket", ""},
};

// Up to the separator, which is taken as well; all of it when there is none.
std::string_view cut_to(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return part;
}

std::string key_of(const ServedOpener& opener) {
    return fmt::format("{}{}.{:016x}.{:016x}", kOpenerKey, opener.member.node.value(),
                       opener.member.incarnation.value(), opener.process);
}

// Of every process of that life of the node.
std::string key_prefix_of(const ServedOpener& opener) {
    return fmt::format("{}{}.{:016x}.", kOpenerKey, opener.member.node.value(),
                       opener.member.incarnation.value());
}

}  // namespace

bool is_rados_place(std::string_view text) { return text.starts_with(kScheme); }

Result<RadosPlace> parse_rados_place(std::string_view text) {
    const auto wrong = [text] {
        return fail(errc::refused,
                    fmt::format("{}: rados:POOL/NAME is wanted, and after it ?conf=FILE, id=NAME, "
                                "namespace=NAME, size=OCTETS with & between them",
                                text));
    };
    if (!is_rados_place(text)) {
        return wrong();
    }
    auto options = text.substr(kScheme.size());
    auto object = cut_to(options, '?');
    RadosPlace place;
    place.pool = cut_to(object, '/');
    place.name = object;
    if (place.pool.empty() || place.name.empty()) {
        return wrong();
    }
    while (!options.empty()) {
        auto value = cut_to(options, '&');
        const auto name = cut_to(value, '=');
        if (name == "size") {
            const auto octets = parse_u64(value);
            if (!octets || *octets == 0) {
                return wrong();
            }
            place.octets = *octets;
            continue;
        }
        auto* option = name == "conf"        ? &place.conf
                       : name == "id"        ? &place.id
                       : name == "namespace" ? &place.name_space
                                             : nullptr;
        if (option == nullptr || value.empty()) {
            return wrong();
        }
        *option = value;
    }
    return place;
}

Result<std::shared_ptr<RadosClient>> RadosClient::connect(const std::string& text) {
    QUORATE_TRY(auto place, parse_rados_place(text));
    QUORATE_TRY(const auto* library, RadosLibrary::load());
    // Of the member and its I/O under way.
    std::shared_ptr<RadosClient> client(new RadosClient(*library, std::move(place), text));
    QUORATE_CHECK(client->open());
    return client;
}

RadosClient::~RadosClient() {
    if (pool_ != nullptr) {
        lib_.ioctx_destroy(pool_);
    }
    if (cluster_ != nullptr) {
        lib_.shutdown(cluster_);
    }
}

Status RadosClient::check(int result, const char* what) const {
    return result < 0 ? Status(fail_errno(-result, fmt::format("{}: {}", text_, what))) : Status();
}

Status RadosClient::open() {
    const auto user = "client." + place_.id;
    QUORATE_CHECK(check(lib_.create2(&cluster_, "ceph", user.c_str(), 0), "librados"));
    const auto* conf = place_.conf.empty() ? nullptr : place_.conf.c_str();
    QUORATE_CHECK(check(lib_.conf_read_file(cluster_, conf), "Ceph's configuration"));
    for (const auto& [option, value] : kClientOptions) {
        QUORATE_CHECK(check(lib_.conf_set(cluster_, option, value), option));
    }
    QUORATE_CHECK(check(lib_.connect(cluster_), "connecting to the monitors"));
    QUORATE_CHECK(check(lib_.ioctx_create(cluster_, place_.pool.c_str(), &pool_), "the pool"));
    lib_.ioctx_set_namespace(pool_, place_.name_space.c_str());
    return {};
}

Result<RadosHeader> RadosClient::read_header() const {
    std::string bytes(kRadosHeader + 1, '\0');
    const int got = lib_.read(pool_, place_.name.c_str(), bytes.data(), bytes.size(), 0);
    QUORATE_CHECK(check(got, "the header"));
    bytes.resize(static_cast<std::size_t>(got));
    return decode_rados_header(bytes);
}

Status RadosClient::write_header(const RadosHeader& header) const {
    const auto bytes = encode(header);
    return check(lib_.write_full(pool_, place_.name.c_str(), bytes.data(), bytes.size()),
                 "the header");
}

Result<std::string> RadosClient::read(const RadosHeader& header, std::uint64_t offset,
                                      std::size_t size) const {
    const auto shift = header.object_shift;
    QUORATE_ASSERT(offset >> shift == (offset + size - 1) >> shift);
    std::string bytes(size, '\0');
    const auto object = rados_object_name(place_.name, offset >> shift);
    const auto inside = offset & ((std::uint64_t{1} << shift) - 1);
    const int got = lib_.read(pool_, object.c_str(), bytes.data(), size, inside);
    if (got != -ENOENT) {
        QUORATE_CHECK(check(got, "reading"));
    }
    return bytes;
}

Status RadosClient::write(const RadosHeader& header, std::uint64_t offset,
                          std::string_view bytes) const {
    const auto shift = header.object_shift;
    const auto size = std::uint64_t{1} << shift;
    while (!bytes.empty()) {
        const auto inside = offset & (size - 1);
        const auto now = std::min<std::uint64_t>(bytes.size(), size - inside);
        const auto object = rados_object_name(place_.name, offset >> shift);
        QUORATE_CHECK(
            check(lib_.write(pool_, object.c_str(), bytes.data(), now, inside), "writing"));
        bytes.remove_prefix(now);
        offset += now;
    }
    return {};
}

Status RadosClient::note_address(const ServedOpener& opener) const {
    char* addresses = nullptr;
    QUORATE_CHECK(check(lib_.getaddrs(cluster_, &addresses), "this client's address"));
    const std::string text(addresses);
    lib_.buffer_free(addresses);
    return check(
        lib_.setxattr(pool_, place_.name.c_str(), key_of(opener).c_str(), text.data(), text.size()),
        "noting this client's address");
}

Result<std::vector<RadosClient::Noted>> RadosClient::noted(const ServedOpener* opener) const {
    rados_xattrs_iter_t all = nullptr;
    QUORATE_CHECK(check(lib_.getxattrs(pool_, place_.name.c_str(), &all), "the openers"));
    std::vector<Noted> found;
    const auto wanted = opener == nullptr      ? std::string(kOpenerKey)
                        : opener->process == 0 ? key_prefix_of(*opener)
                                               : key_of(*opener);
    for (;;) {
        const char* key = nullptr;
        const char* value = nullptr;
        std::size_t size = 0;
        if (lib_.getxattrs_next(all, &key, &value, &size) != 0 || key == nullptr) {
            break;
        }
        if (std::string_view(key).starts_with(wanted)) {
            found.push_back({key, std::string(value, size)});
        }
    }
    lib_.getxattrs_end(all);
    return found;
}

Status RadosClient::blocklist(const Noted& noted) const {
    const auto command = fmt::format(
        R"({{"prefix":"osd blocklist","blocklistop":"add","addr":"{}"}})", noted.address);
    const char* commands[] = {command.c_str()};
    return check(
        lib_.mon_command(cluster_, commands, 1, nullptr, 0, nullptr, nullptr, nullptr, nullptr),
        "the blocklist");
}

Status RadosClient::forget(const Noted& noted) const {
    return check(lib_.rmxattr(pool_, place_.name.c_str(), noted.key.c_str()), "the openers");
}

Status RadosClient::take_latest_map() const {
    return check(lib_.wait_for_latest_osdmap(cluster_), "the cluster's map");
}

}  // namespace quorate::shadowing
