#include "io/thread_pool.hpp"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "io/errc.hpp"

namespace quorate::io {

struct ThreadPool::Impl {
    struct Item {
        std::unique_ptr<Job> job;
        Strand* strand = nullptr;
    };

    void work() {
        std::unique_lock lock(mutex);
        for (;;) {
            wake.wait(lock, [this] { return stopping || !ready.empty(); });
            if (ready.empty()) {
                return;
            }
            Item item = std::move(ready.front());
            ready.pop_front();
            --waiting;
            lock.unlock();
            item.job->run();
            if (item.strand != nullptr) {
                const std::lock_guard relock(mutex);
                next_of(*item.strand);
            }
            item.job->finish();
            // The job's captures may be the last owners of much: destroyed without the lock.
            item.job.reset();
            lock.lock();
        }
    }

    // The strand goes to the end of the line after each job, so that a busy one does not starve the
    // others.
    void next_of(Strand& strand) {
        if (strand.waiting_.empty()) {
            strand.busy_ = false;
            return;
        }
        ready.push_back({std::move(strand.waiting_.front()), &strand});
        strand.waiting_.pop_front();
        wake.notify_one();
    }

    mutable std::mutex mutex;
    std::condition_variable wake;
    std::deque<Item> ready;
    std::size_t waiting = 0;  // in `ready` and in all strands
    std::size_t queue_max = 0;
    bool stopping = false;
    std::vector<std::thread> threads;
};

ThreadPool::ThreadPool(boost::asio::io_context& io, Options options)
    : io_(io), impl_(std::make_unique<Impl>()) {
    impl_->queue_max = options.queue_max;
    for (std::size_t i = 0; i < options.threads; ++i) {
        impl_->threads.emplace_back([this] { impl_->work(); });
        const auto name = (options.name + std::to_string(i)).substr(0, 15);
        ::pthread_setname_np(impl_->threads.back().native_handle(), name.c_str());
    }
}

ThreadPool::~ThreadPool() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->wake.notify_all();
    for (auto& thread : impl_->threads) {
        thread.join();
    }
}

void ThreadPool::enqueue(Strand* strand, std::unique_ptr<Job> job) {
    const std::lock_guard lock(impl_->mutex);
    ++impl_->waiting;
    if (strand != nullptr && std::exchange(strand->busy_, true)) {
        strand->waiting_.push_back(std::move(job));
        return;
    }
    impl_->ready.push_back({std::move(job), strand});
    impl_->wake.notify_one();
}

bool ThreadPool::full() const { return queued() >= impl_->queue_max; }

tl::unexpected<Error> ThreadPool::full_error() { return fail(Errc::kQueueFull, "worker pool"); }

std::size_t ThreadPool::queued() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->waiting;
}

std::size_t ThreadPool::threads() const { return impl_->threads.size(); }

}  // namespace quorate::io
