// A plain read of memory, for benchmarks: what a decoder that only waits for its weights would take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tabulae {

// Exclusive or of all 64-bit words, so that no read can be left out. `threads` share every span in contiguous parts.
uint64_t read_memory(const std::vector<std::pair<const uint8_t*, size_t>>& spans, int threads);

}  // namespace tabulae
