// A pool of threads that run one loop at a time. Work is cut into contiguous ranges, so each thread reads one
// sequential stream; nothing that is computed depends on the cut.
#pragma once

#include <cstdint>
#include <memory>

namespace tabulae {

// How many forks lie between this process and the one that was started: threads, and who holds a lock, end with a fork.
int forks();

// A child that was forked off makes threads of its own when it first needs them.
class Threads {
 public:
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return count_; }

  // body(thread, begin, end) over [0, items), in ranges that are multiples of `grain`; the caller is thread 0. What a
  // body throws is thrown here, once all threads are done.
  template <class Body>
  void run(int64_t items, int64_t grain, Body&& body) {
    if (count() == 1 || items <= grain) {
      if (items > 0) body(0, int64_t{0}, items);
      return;
    }
    start(
        items, grain,
        [](void* b, int thread, int64_t begin, int64_t end) { (*static_cast<Body*>(b))(thread, begin, end); }, &body);
  }

 private:
  using Call = void (*)(void*, int, int64_t, int64_t);
  class Pool;  // the workers, and all that they share with the caller
  void start(int64_t items, int64_t grain, Call call, void* body);
  void abandon();

  const int count_;
  int forks_;  // when the pool was made
  std::unique_ptr<Pool> pool_;
};

// Rounding to nearest, no flushing of subnormals: set on entry of every thread that computes.
class FloatMode {
 public:
  FloatMode();
  ~FloatMode();

 private:
  uint64_t saved_ = 0;
};

}  // namespace tabulae
