// The yardstick of every speed figure: the bytes that decoding a token reads, read and nothing else, by the same
// threads in the same ranges, with one meeting of them for every operation that reads weights or states.
#pragma once

#include <atomic>
#include <functional>

#include "core/memory.h"
#include "core/threads.h"
#include "graph/run.h"

namespace tabulae {

class Reader {  // of one thread
 public:
  template <class T>
  void read(const T* data, int64_t count) {
    const size_t size = static_cast<size_t>(count) * sizeof(T);
    sum ^= read_memory(data, size), bytes += static_cast<int64_t>(size);
  }
  void panel(const Weight& weight, int64_t panel);  // 16 rows of a linear, with all that belongs to them

  int64_t bytes = 0;
  uint64_t sum = 0;
};

class Reads {
 public:
  Reads(const Model& model, Sequence& sequence, Threads& threads, int64_t cached)
      : model(model), sequence(sequence), cached(cached), threads_(threads) {}
  void share(int64_t items, const std::function<void(int64_t i, Reader&)>& read);
  void panels(const std::vector<int>& weights);

  const Model& model;
  Sequence& sequence;
  const int64_t cached;  // positions in the sequence
  std::atomic<int64_t> bytes{0};

 private:
  Threads& threads_;
  std::atomic<uint64_t> sum_{0};
};

}  // namespace tabulae
