// AVX2 (Haswell, Zen and later): plain kernels with eight real lanes, and dot products of bytes for nets of integers.
// flags: -mavx2
#include <immintrin.h>

#include <cstring>

#include "core/kernels.h"
#include "core/polynomials.h"
#include "core/simd.h"
#include "layouts/all.h"

namespace tabulae::avx2 {
#include "kernels/plain.inl"
//
#include "kernels/integers/dots_avx2.inl"

extern const Kernels kKernels;
constexpr Kernels kKernels = [] {
  Kernels kernels = plain_kernels("avx2");
  kernels.dots8 = dots_of_bytes;
  return kernels;
}();

}  // namespace tabulae::avx2
