#include "core/memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/threads.h"

namespace tabulae {

namespace {

constexpr int64_t kStep = 256;       // bytes of one round: four lines
constexpr int64_t kPrefetch = 6144;  // ahead, as the kernels do

uint64_t read_span(const uint8_t* data, int64_t begin, int64_t end) {
  typedef uint64_t Line __attribute__((vector_size(64)));
  Line sums[4] = {};
  int64_t i = begin;
  for (; i + kStep <= end; i += kStep)
    for (int k = 0; k < 4; ++k) {
      Line line;
      __builtin_prefetch(data + i + kPrefetch + 64 * k);
      std::memcpy(&line, data + i + 64 * k, 64);
      sums[k] ^= line;
    }
  uint64_t sum = 0;
  for (const Line& line : sums)
    for (int k = 0; k < 8; ++k) sum ^= line[k];
  for (; i < end; ++i) sum ^= data[i];
  return sum;
}

}  // namespace

uint64_t read_memory(const std::vector<std::pair<const uint8_t*, size_t>>& spans, int threads) {
  Threads pool(threads);
  std::atomic<uint64_t> sum{0};
  for (const auto& [data, size] : spans)
    pool.run(static_cast<int64_t>(size), 4096,
             [&, d = data](int64_t begin, int64_t end) { sum ^= read_span(d, begin, end); });
  return sum;
}

}  // namespace tabulae
