// Sixteen float lanes as one value. GCC and Clang lower them to whatever the file's ISA has, so every float kernel
// is one source with one order of operations; with -ffp-contract=off all ISAs give the same bits.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "core/inline.h"

namespace tabulae {

inline constexpr int64_t kLanes = 16;
typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));

TABULAE_INLINE f32x16 load(const float* p) {
  f32x16 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// The first n < 16 lanes; the others +0, which no sum notices.
TABULAE_INLINE f32x16 load_part(const float* p, int64_t n) {
  f32x16 v = {};
  std::memcpy(&v, p, static_cast<size_t>(n) * sizeof(float));
  return v;
}

TABULAE_INLINE void store(float* p, f32x16 v) { std::memcpy(p, &v, sizeof v); }
TABULAE_INLINE void store_part(float* p, f32x16 v, int64_t n) {
  std::memcpy(p, &v, static_cast<size_t>(n) * sizeof(float));
}

TABULAE_INLINE f32x16 splat(float x) { return f32x16{} + x; }

TABULAE_INLINE i32x16 bits_of(f32x16 v) {
  i32x16 b;
  std::memcpy(&b, &v, sizeof v);
  return b;
}

TABULAE_INLINE f32x16 float_of(i32x16 b) {
  f32x16 v;
  std::memcpy(&v, &b, sizeof v);
  return v;
}

// a where the mask lane is set (all ones), else b.
TABULAE_INLINE f32x16 choose(i32x16 mask, f32x16 a, f32x16 b) {
  return float_of((mask & bits_of(a)) | (~mask & bits_of(b)));
}

// To the nearest integer, half to even, for |x| < 2^22: the addition rounds, exactly as rint does.
TABULAE_INLINE f32x16 round_even(f32x16 x) {
  const f32x16 magic = splat(12582912.0f);
  return (x + magic) - magic;
}

// The one order in which 16 lanes are added: i with i + 8, then + 4, + 2, + 1.
TABULAE_INLINE float tree(f32x16 v) {
#if defined(__AVX512F__)
  const __m512 z = reinterpret_cast<__m512>(v);
  const __m256 a =
      _mm256_add_ps(_mm512_castps512_ps256(z), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(z), 1)));
  const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(c, _mm_shuffle_ps(c, c, 1)));
#else
  float a[16];
  store(a, v);
  for (int step = 8; step > 0; step /= 2)
    for (int i = 0; i < step; ++i) a[i] += a[i + step];
  return a[0];
#endif
}

}  // namespace tabulae
