#include "core/memory.h"

#include <cstring>

namespace tabulae {

namespace {
constexpr size_t kStep = 256;       // bytes of one round: four lines
constexpr size_t kPrefetch = 6144;  // ahead, as the kernels do
}  // namespace

uint64_t read_memory(const void* data, size_t size) {
  typedef uint64_t Line __attribute__((vector_size(64)));
  const auto* bytes = static_cast<const uint8_t*>(data);
  Line sums[4] = {};
  size_t i = 0;
  for (; i + kStep <= size; i += kStep)
    for (int k = 0; k < 4; ++k) {
      Line line;
      __builtin_prefetch(bytes + i + kPrefetch + 64 * k);
      std::memcpy(&line, bytes + i + 64 * k, 64);
      sums[k] ^= line;
    }
  uint64_t sum = 0;
  for (const Line& line : sums)
    for (int k = 0; k < 8; ++k) sum ^= line[k];
  for (; i < size; ++i) sum ^= bytes[i];
  return sum;
}

}  // namespace tabulae
