#include "core/threads.h"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#define TABULAE_PAUSE() _mm_pause()
#else
#define TABULAE_PAUSE() std::this_thread::yield()
#endif

namespace tabulae {

namespace {
constexpr int kSpins = 4000;    // about 50 us of waiting awake: longer than the gaps inside one token
constexpr int64_t kRanges = 4;  // ranges per thread: a thread that is held up gives work away
}  // namespace

FloatMode::FloatMode() {
#if defined(__x86_64__)
  saved_ = _mm_getcsr();
  _mm_setcsr(0x1f80);  // all exceptions masked, nearest, FTZ and DAZ off
#elif defined(__aarch64__)
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" : : "r"(uint64_t{0}));  // nearest, FZ off
#endif
}

FloatMode::~FloatMode() {
#if defined(__x86_64__)
  _mm_setcsr(static_cast<unsigned>(saved_));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" : : "r"(saved_));
#endif
}

int forks() {
  static std::atomic<int> count{0};
  static const int registered = pthread_atfork(nullptr, nullptr, [] { ++count; });
  (void)registered;
  return count.load(std::memory_order_relaxed);
}

class Threads::Pool {
 public:
  explicit Pool(int workers) {
    try {
      for (int i = 0; i < workers; ++i) workers_.emplace_back([this, i] { work(i + 1); });
    } catch (...) {  // no more threads to be had: those that started must end first
      stop();
      throw;
    }
  }
  ~Pool() { stop(); }

  void start(int64_t items, int64_t step, Call call, void* body) {
    call_ = call, body_ = body, items_ = items, step_ = step;
    next_ = 0;
    busy_ = static_cast<int>(workers_.size());
    {
      std::lock_guard lock(mutex_);
      ++round_;
    }
    wake_.notify_all();
    take(0);
    for (int spins = 0; busy_.load() > 0; ++spins)
      if (spins < kSpins)
        TABULAE_PAUSE();
      else
        std::this_thread::yield();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
      ++round_;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  void take(int thread) {
    try {
      for (int64_t begin; (begin = next_.fetch_add(step_)) < items_;)
        call_(body_, thread, begin, begin + step_ < items_ ? begin + step_ : items_);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      next_ = items_;
    }
  }

  void work(int thread) {
    const FloatMode mode;
    for (uint32_t seen = 0;;) {
      for (int spins = 0; round_.load() == seen && spins < kSpins; ++spins) TABULAE_PAUSE();
      if (round_.load() == seen) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return round_.load() != seen; });
      }
      ++seen;  // rounds cannot be missed: the next one starts only when all are done with this one
      if (stop_) return;
      take(thread);
      --busy_;
    }
  }

  Call call_ = nullptr;
  void* body_ = nullptr;
  int64_t items_ = 0, step_ = 0;
  std::atomic<int64_t> next_{0};
  std::atomic<uint32_t> round_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stop_{false};
  std::exception_ptr error_;  // the first that a body threw, under mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;  // last: they use all of the above
};

Threads::Threads(int count) : count_(count), forks_(forks()), pool_(std::make_unique<Pool>(count - 1)) {}

Threads::~Threads() {
  if (forks_ != forks()) abandon();
}

// In a forked child the workers are gone, and what they waited on can be neither used nor destroyed: it stays behind.
void Threads::abandon() { (void)pool_.release(); }

void Threads::start(int64_t items, int64_t grain, Call call, void* body) {
  if (forks_ != forks()) {
    abandon();
    pool_ = std::make_unique<Pool>(count_ - 1);
    forks_ = forks();
  }
  const int64_t share = (items + count_ * kRanges - 1) / (count_ * kRanges);
  pool_->start(items, (share + grain - 1) / grain * grain, call, body);
}

}  // namespace tabulae
