// What is accepted is written and read back the same, and can be changed.

#include "base/assert.hpp"
#include "cluster/corosync_conf.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using cluster::CorosyncConf;
    auto conf = CorosyncConf::parse(fuzz::as_text(data, size), "f");
    if (!conf) {
        QUORATE_ASSERT(conf.error().detail.starts_with("f:"));
        return 0;
    }
    const auto again = CorosyncConf::parse(conf->text(), "f");
    QUORATE_ASSERT(again && again->text() == conf->text() && again->nodes() == conf->nodes());
    const auto before = conf->nodes().size();
    const CorosyncConf::Node node{"fuzz-new", conf->free_id(),
                                  std::vector<std::string>(conf->nodes()[0].addresses.size(), "")};
    QUORATE_ASSERT(!conf->add_node(node));
    conf->set("totem", "token", "1234");
    conf->set_quorum_device({{{"model", "disk"}}});
    QUORATE_ASSERT(CorosyncConf::parse(conf->text(), "f"));
    QUORATE_ASSERT(conf->nodes().size() == before);
    return 0;
}
