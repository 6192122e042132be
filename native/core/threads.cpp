#include "core/threads.h"

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
#endif
}

FloatMode::~FloatMode() {
#if defined(__x86_64__)
  _mm_setcsr(saved_);
#endif
}

Threads::Threads(int count) {
  for (int i = 1; i < count; ++i) workers_.emplace_back([this] { work(); });
}

Threads::~Threads() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    ++round_;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Threads::take() {
  for (int64_t begin; (begin = next_.fetch_add(step_)) < items_;)
    call_(body_, begin, begin + step_ < items_ ? begin + step_ : items_);
}

void Threads::start(int64_t items, int64_t grain, Call call, void* body) {
  call_ = call, body_ = body, items_ = items;
  const int64_t share = (items + count() * kRanges - 1) / (count() * kRanges);
  step_ = (share + grain - 1) / grain * grain;
  next_ = 0;
  busy_ = static_cast<int>(workers_.size());
  {
    std::lock_guard lock(mutex_);
    ++round_;
  }
  wake_.notify_all();
  take();
  for (int spins = 0; busy_.load() > 0; ++spins)
    if (spins < kSpins)
      TABULAE_PAUSE();
    else
      std::this_thread::yield();
}

void Threads::work() {
  const FloatMode mode;
  for (uint32_t seen = 0;;) {
    for (int spins = 0; round_.load() == seen && spins < kSpins; ++spins) TABULAE_PAUSE();
    if (round_.load() == seen) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return round_.load() != seen; });
    }
    ++seen;  // rounds cannot be missed: the next one starts only when all are done with this one
    if (stop_) return;
    take();
    --busy_;
  }
}

}  // namespace tabulae
