#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"

namespace quorate::shadowing {

// What nbdkit is told to load: the plugin beside this program, as a build has it; else its name.
std::string nbdkit_plugin(const std::string& name);

// An nbdkit under way. Nobody waits here for its end, which a disk that does not answer puts off:
// until then it has its descriptors, and so the lock of a disk. Thread rule: io thread.
class NbdkitProcess {
public:
    struct Descriptor {
        int ours;
        int theirs;
    };
    // `ended` is called once, when no thread of its, and no I/O of theirs, is left: after this was
    // destroyed too. Errors: errno's values.
    static Result<std::unique_ptr<NbdkitProcess>> start(boost::asio::io_context& io,
                                                        const std::vector<std::string>& words,
                                                        const std::vector<Descriptor>& descriptors,
                                                        std::function<void()> ended);
    // end().
    ~NbdkitProcess();
    NbdkitProcess(const NbdkitProcess&) = delete;
    NbdkitProcess& operator=(const NbdkitProcess&) = delete;

    // It is killed; `ended` will say so.
    void end();
    pid_t number() const;

private:
    struct Watch;
    explicit NbdkitProcess(std::shared_ptr<Watch> watch);
    std::shared_ptr<Watch> watch_;  // shared with the wait for its end
};

}  // namespace quorate::shadowing
