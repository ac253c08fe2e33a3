#include "shadowing/io/nbdkit_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>

namespace quorate::shadowing {
namespace {

constexpr int kAboveTheirs = 64;

// Of our descriptor, above all that the process gets, so that none is overwritten before its turn.
int copied_above(int descriptor) { return ::fcntl(descriptor, F_DUPFD_CLOEXEC, kAboveTheirs); }

}  // namespace

struct NbdkitProcess::Watch : std::enable_shared_from_this<Watch> {
    Watch(boost::asio::io_context& io, pid_t process, int descriptor, std::function<void()> told)
        : number(process), end(io, descriptor), ended(std::move(told)) {}

    void wait() {
        end.async_wait(boost::asio::posix::descriptor_base::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& failed) {
                           if (!failed) {
                               ::waitpid(self->number, nullptr, 0);
                               self->reaped = true;
                               std::exchange(self->ended, nullptr)();
                           }
                       });
    }

    pid_t number;
    boost::asio::posix::stream_descriptor end;
    std::function<void()> ended;
    bool reaped = false;
};

std::string nbdkit_plugin(const std::string& name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto file = "nbdkit-" + name + "-plugin.so";
    for (const auto& folder : {self.parent_path(), self.parent_path().parent_path() / "bin"}) {
        if (!error && std::filesystem::exists(folder / file, error)) {
            return folder / file;
        }
    }
    return name;
}

Result<std::unique_ptr<NbdkitProcess>> NbdkitProcess::start(
    boost::asio::io_context& io, const std::vector<std::string>& words,
    const std::vector<Descriptor>& descriptors, std::function<void()> ended) {
    std::vector<char*> arguments;
    for (const auto& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    std::vector<int> copies;
    for (const auto& one : descriptors) {
        copies.push_back(copied_above(one.ours));
        ::posix_spawn_file_actions_adddup2(&actions, copies.back(), one.theirs);
    }
    pid_t number = -1;
    const int error = ::posix_spawnp(&number, words.front().c_str(), &actions, &attributes,
                                     arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    for (const int copy : copies) {
        ::close(copy);
    }
    if (error != 0) {
        return fail_errno(error, words.front() + ": is it installed?");
    }
    const auto watched = static_cast<int>(::syscall(SYS_pidfd_open, number, 0));
    if (watched < 0) {
        const int why = errno;
        ::kill(number, SIGKILL);
        ::waitpid(number, nullptr, 0);
        return fail_errno(why, "pidfd_open");
    }
    auto watch = std::make_shared<Watch>(io, number, watched, std::move(ended));
    watch->wait();
    return std::unique_ptr<NbdkitProcess>(new NbdkitProcess(std::move(watch)));
}

NbdkitProcess::NbdkitProcess(std::shared_ptr<Watch> watch) : watch_(std::move(watch)) {}

NbdkitProcess::~NbdkitProcess() { end(); }

void NbdkitProcess::end() {
    if (!watch_->reaped) {
        ::kill(watch_->number, SIGKILL);
    }
}

pid_t NbdkitProcess::number() const { return watch_->number; }

}  // namespace quorate::shadowing
