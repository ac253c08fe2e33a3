#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/result.hpp"

namespace quorate::shadowing {

// What nbdkit is told to load: the plugin beside this program, as a build has it; else its name.
std::string nbdkit_plugin(const std::string& name);

// An nbdkit under way. Destroyed, it is ended and waited for: then no thread of its, and no I/O of
// theirs, is left.
class NbdkitProcess {
public:
    struct Descriptor {
        int ours;
        int theirs;
    };
    // `ended` is called on the io thread, once, when it has ended by itself.
    static Result<std::unique_ptr<NbdkitProcess>> start(boost::asio::io_context& io,
                                                        const std::vector<std::string>& words,
                                                        const std::vector<Descriptor>& descriptors,
                                                        std::function<void()> ended);
    ~NbdkitProcess();
    NbdkitProcess(const NbdkitProcess&) = delete;
    NbdkitProcess& operator=(const NbdkitProcess&) = delete;

    pid_t number() const { return number_; }

private:
    NbdkitProcess(boost::asio::io_context& io, pid_t number, int descriptor);

    pid_t number_;
    boost::asio::posix::stream_descriptor watch_;
};

}  // namespace quorate::shadowing
