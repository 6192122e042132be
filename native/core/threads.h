// A pool of threads that run one loop at a time. Work is cut into contiguous ranges, so each thread reads one
// sequential stream; nothing that is computed depends on the cut.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tabulae {

class Threads {
 public:
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return static_cast<int>(workers_.size()) + 1; }

  // body(begin, end) over [0, items), in ranges that are multiples of `grain`. What a body throws is thrown here, once
  // all threads are done.
  template <class Body>
  void run(int64_t items, int64_t grain, Body&& body) {
    if (count() == 1 || items <= grain) {
      if (items > 0) body(int64_t{0}, items);
      return;
    }
    start(
        items, grain, [](void* b, int64_t begin, int64_t end) { (*static_cast<Body*>(b))(begin, end); }, &body);
  }

 private:
  using Call = void (*)(void*, int64_t, int64_t);
  void start(int64_t items, int64_t grain, Call call, void* body);
  void work();
  void take();
  void stop();

  std::vector<std::thread> workers_;
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
