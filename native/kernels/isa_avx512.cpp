// AVX-512 with VBMI and VNNI (Ice Lake, Zen 4 and later). What has no source of its own is the plain one with 16 real
// lanes.
#include <cstring>

#include "core/kernels.h"
#include "core/polynomials.h"
#include "core/simd.h"

namespace tabulae::avx512 {
#include "kernels/plain.inl"
//
#include "kernels/linear_table/expand_avx512.inl"
//
#include "kernels/linear_table/lookup_avx512.inl"
#include "kernels/linear_table/multiply_avx512.inl"

extern const Kernels kKernels;
constexpr Kernels kKernels = [] {
  Kernels kernels = plain_kernels("avx512");
  kernels.prepare = lookup_prepare;
  kernels.needs_tables = lookup_needs_tables;
  kernels.multiply = multiply;
  kernels.lookup = lookup;
  return kernels;
}();

}  // namespace tabulae::avx512
