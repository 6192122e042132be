// A plain read of memory, for benchmarks: what a decoder that only waits for its weights would take.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tabulae {

// Exclusive or of all 64-bit words, so that no read can be left out.
uint64_t read_memory(const void* data, size_t size);

}  // namespace tabulae
