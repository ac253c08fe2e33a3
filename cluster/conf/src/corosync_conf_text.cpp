#include <fmt/core.h>

#include "cluster/corosync_conf.hpp"

namespace quorate::cluster {
namespace {

void write(std::string& out, const std::vector<ConfItem>& items, std::size_t depth) {
    const std::string indent(depth * 4, ' ');
    for (const auto& item : items) {
        switch (item.kind) {
            case ConfItem::Kind::kText:
                out += item.value.empty() ? "\n" : indent + item.value + "\n";
                break;
            case ConfItem::Kind::kValue:
                out += fmt::format("{}{}: {}\n", indent, item.key, item.value);
                break;
            case ConfItem::Kind::kSection:
                out += fmt::format("{}{} {{\n", indent, item.key);
                write(out, item.items, depth + 1);
                out += indent + "}\n";
                break;
        }
    }
}

}  // namespace

std::string CorosyncConf::text() const {
    std::string out;
    write(out, items_, 0);
    return out;
}

}  // namespace quorate::cluster
