// AVX-512 with VBMI and VNNI (Ice Lake, Zen 4 and later). What has no source of its own is the plain one with 16 real
// lanes.
// flags: -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mavx512vnni -mprefer-vector-width=512
#if defined(__GNUC__) && !defined(__clang__)  // GCC's own header warns about its _mm512_undefined (bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <cstring>

#include "core/kernels.h"
#include "core/polynomials.h"
#include "core/simd.h"
#include "layouts/all.h"

namespace tabulae::avx512 {
#include "kernels/plain.inl"
//
#include "kernels/integers/dots_avx2.inl"
//
#include "kernels/linear_table/expand_avx512.inl"
//
#include "kernels/linear_table/lookup_avx512.inl"
#include "kernels/linear_table/multiply_avx512.inl"

extern const Kernels kKernels;
constexpr Kernels kKernels = [] {
  Kernels kernels = plain_kernels("avx512");
  kernels.of(kPanel16) = {
      &kPanel16, {.panels = multiply}, {.panels = lookup, .request = request_products, .prepare = prepare_products}};
  kernels.dots8 = dots_of_bytes;
  return kernels;
}();

}  // namespace tabulae::avx512
