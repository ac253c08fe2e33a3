#include "rados_disk.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include <fmt/core.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.hpp"
#include "quorum/page.hpp"
#include "rados_library.hpp"
#include "rados_path.hpp"

namespace quorate::quorum {
namespace {

namespace asio = boost::asio;

// What a client needs to know here whatever its file says: an I/O is never given up, for the OSD
// may still carry it out; a monitor that does not answer is asked again by who opens the disk.
constexpr std::pair<const char*, const char*> kClientOptions[] = {
    {"rados_osd_op_timeout", "0"},
    {"rados_mon_op_timeout", "10"},
    {"client_mount_timeout", "10"},
    {"ms_async_op_threads", "1"},
    {"log_file", ""},
    {"log_to_stderr", "false"},
    {"err_to_stderr", "false"},
    {"admin_socket", ""},
    {"log_max_recent", "1"},
};

// A client's start uses a mebibyte of stack, which would stay with this thread, and locked. Gives
// back what lies below its caller's frames.
void release_stack() {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) {
        return;
    }
    void* lowest = nullptr;
    std::size_t size = 0;
    ::pthread_attr_getstack(&attributes, &lowest, &size);
    ::pthread_attr_destroy(&attributes);
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(lowest) / page * page + page;
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const auto end = here / page * page - 4 * page;
    if (begin < end) {
        auto* const at = reinterpret_cast<void*>(begin);
        ::munlock(at, end - begin);
        ::madvise(at, end - begin, MADV_DONTNEED);
        ::mlock2(at, end - begin, MLOCK_ONFAULT);  // where it is not permitted, nothing was locked
    }
}

// A client of the cluster, and the object. Blocks.
class RadosObject {
public:
    RadosObject(const RadosLibrary& library, RadosPath path, std::string name)
        : lib(library), path_(std::move(path)), name_(std::move(name)) {}
    ~RadosObject() {
        if (pool_ != nullptr) {
            lib.ioctx_destroy(pool_);
        }
        if (cluster_ != nullptr) {
            lib.shutdown(cluster_);
        }
    }
    RadosObject(const RadosObject&) = delete;
    RadosObject& operator=(const RadosObject&) = delete;

    Status connect() {
        const auto client = "client." + path_.id;
        QUORATE_CHECK(check(lib.create(&cluster_, "ceph", client.c_str(), 0), "librados"));
        const auto* conf = path_.conf.empty() ? nullptr : path_.conf.c_str();
        QUORATE_CHECK(check(lib.conf_read_file(cluster_, conf),
                            conf == nullptr ? "Ceph's configuration" : conf));
        for (const auto& [option, value] : kClientOptions) {
            QUORATE_CHECK(check(lib.conf_set(cluster_, option, value), option));
        }
        const int connected = lib.connect(cluster_);
        release_stack();
        QUORATE_CHECK(check(connected, "connecting to the monitors"));
        QUORATE_CHECK(check(lib.ioctx_create(cluster_, path_.pool.c_str(), &pool_),
                            fmt::format("the pool {}", path_.pool)));
        lib.ioctx_set_namespace(pool_, path_.name_space.c_str());
        return {};
    }

    Result<std::uint64_t> size() {
        std::uint64_t bytes = 0;
        QUORATE_CHECK(
            check(lib.stat(pool_, object(), &bytes, nullptr), "the object " + path_.object));
        return bytes;
    }

    // At least so many octets; those that are new are zero.
    Status make(std::uint64_t bytes) {
        const auto there = size();
        if (there ? *there >= bytes : there.error().code != std::errc::no_such_file_or_directory) {
            return there ? Status() : Status(tl::unexpected<Error>(there.error()));
        }
        auto* operation = lib.create_write_op();
        lib.write_op_create(operation, LIBRADOS_CREATE_IDEMPOTENT, nullptr);
        lib.write_op_truncate(operation, bytes);
        const int result = lib.write_op_operate(operation, pool_, object(), nullptr, 0);
        lib.release_write_op(operation);
        return check(result, "making the object " + path_.object);
    }

    // `result` as librados has it: negative is an error.
    Status check(int result, const std::string& what) const {
        return result < 0 ? Status(fail_errno(-result, fmt::format("{}: {}", name_, what)))
                          : Status();
    }

    const RadosLibrary& lib;
    rados_ioctx_t pool() const { return pool_; }
    const char* object() const { return path_.object.c_str(); }

private:
    RadosPath path_;
    std::string name_;
    rados_t cluster_ = nullptr;
    rados_ioctx_t pool_ = nullptr;
};

Result<std::shared_ptr<RadosObject>> connect_to(const std::string& path) {
    QUORATE_TRY(auto parsed, parse_rados_path(path));
    QUORATE_TRY(const auto* library, RadosLibrary::load());
    auto object = std::make_shared<RadosObject>(*library, std::move(parsed), path);
    QUORATE_CHECK(object->connect());
    return object;
}

// librados answers on a thread of its own, which only hands the answer over.
class RadosDisk final : public Disk {
public:
    RadosDisk(asio::io_context& io, std::shared_ptr<RadosObject> object, std::uint64_t bytes)
        : state_(std::make_shared<State>(State{io, std::move(object)})), bytes_(bytes) {}
    ~RadosDisk() override { state_->left = true; }
    RadosDisk(const RadosDisk&) = delete;
    RadosDisk& operator=(const RadosDisk&) = delete;

    void read(std::uint32_t first, std::uint32_t count, ReadDone done) override {
        auto* request = make_request(std::string(count * kPageBytes, '\0'));
        request->read_done = std::move(done);
        const auto& object = *state_->object;
        begun(request, object.lib.aio_read(object.pool(), object.object(), request->completion,
                                           request->bytes.data(), request->bytes.size(),
                                           std::uint64_t{first} * kPageBytes));
    }

    // An object that was removed is not made anew by the next page.
    void write(std::uint32_t first, std::string bytes, WriteDone done) override {
        auto* request = make_request(std::move(bytes));
        request->write_done = std::move(done);
        const auto& object = *state_->object;
        auto* operation = object.lib.create_write_op();
        object.lib.write_op_assert_exists(operation);
        object.lib.write_op_write(operation, request->bytes.data(), request->bytes.size(),
                                  std::uint64_t{first} * kPageBytes);
        const int result = object.lib.aio_write_op_operate(
            operation, object.pool(), request->completion, object.object(), nullptr, 0);
        object.lib.release_write_op(operation);
        begun(request, result);
    }

    std::uint64_t pages() const override { return bytes_ / kPageBytes; }
    bool broken() const override { return state_->broken; }

private:
    struct State {
        asio::io_context& io;
        std::shared_ptr<RadosObject> object;
        bool broken = false;
        bool left = false;  // nobody wants to hear any more
    };
    struct Request {
        std::shared_ptr<State> state;  // the other owners are the disk and what else is under way
        asio::executor_work_guard<asio::io_context::executor_type> waited_for;
        std::string bytes;
        ReadDone read_done;
        WriteDone write_done;
        rados_completion_t completion = nullptr;
    };

    Request* make_request(std::string bytes) {
        auto* request =
            new Request{state_, asio::make_work_guard(state_->io), std::move(bytes), {}, {}};
        const auto& lib = state_->object->lib;
        const int made = lib.aio_create_completion(
            request,
            [](rados_completion_t completion, void* data) {
                auto* ended = static_cast<Request*>(data);
                hand_over(ended, ended->state->object->lib.aio_get_return_value(completion));
            },
            &request->completion);
        QUORATE_ASSERT(made == 0);
        return request;
    }

    // One that did not begin is not answered by librados.
    static void begun(Request* request, int result) {
        if (result < 0) {
            hand_over(request, result);
        }
    }

    static void hand_over(Request* request, int result) {
        asio::post(request->state->io,
                   [owned = std::unique_ptr<Request>(request), result] { answer(*owned, result); });
    }

    static void answer(Request& request, int result) {
        auto& state = *request.state;
        state.object->lib.aio_release(request.completion);
        // The cluster has shut this client out (its blocklist): only another one gets in again.
        state.broken = state.broken || result == -ESHUTDOWN || result == -ENOTCONN;
        if (state.left) {
            return;
        }
        const bool reads = request.read_done != nullptr;
        if (reads && result >= 0 && static_cast<std::size_t>(result) != request.bytes.size()) {
            result = -EIO;  // less than a page is none
        }
        const auto status = state.object->check(result, reads ? "reading" : "writing");
        if (!reads) {
            request.write_done(status);
        } else if (status) {
            request.read_done(std::move(request.bytes));
        } else {
            request.read_done(tl::unexpected<Error>(status.error()));
        }
    }

    std::shared_ptr<State> state_;
    std::uint64_t bytes_;
};

}  // namespace

Result<std::unique_ptr<Disk>> open_rados_disk(asio::io_context& io, const std::string& path) {
    QUORATE_TRY(auto object, connect_to(path));
    QUORATE_TRY(const auto bytes, object->size());
    return std::make_unique<RadosDisk>(io, std::move(object), bytes);
}

Status make_rados_disk(const std::string& path, std::uint64_t bytes) {
    QUORATE_TRY(const auto object, connect_to(path));
    return object->make(bytes);
}

}  // namespace quorate::quorum
