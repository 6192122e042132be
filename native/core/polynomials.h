// exp, tanh, erf, sin, cos: the float32 operations of arithmetic/polynomials.py, one for one (reasons stand there).
#pragma once

#include "core/simd.h"

namespace tabulae {

template <class V, class C, int N>
TABULAE_INLINE V horner(const C (&coefficients)[N], V x) {
  V result = coefficients[0] * x + coefficients[1];
  for (int i = 2; i < N; ++i) result = result * x + coefficients[i];
  return result;
}

TABULAE_INLINE f32x16 exponential(f32x16 x) {
  constexpr float kLowest = -87.3125f, kHighest = 88.6875f;
  constexpr float kLog2E = 0x1.715476p+0f, kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;
  constexpr float kExp[] = {0x1.6a4744p-10f, 0x1.1239a2p-7f, 0x1.5558b6p-5f, 0x1.555492p-3f, 0x1.fffffcp-2f};
  const i32x16 inside = (x >= kLowest) & (x <= kHighest);
  const f32x16 y = choose(inside, x, f32x16{});
  const f32x16 k = round_even(y * kLog2E);
  const f32x16 r = (y - k * kLn2High) - k * kLn2Low;
  const f32x16 mantissa = (horner(kExp, r) * (r * r) + r) + 1.0f;
  const i32x16 steps = __builtin_convertvector(k, i32x16);
  f32x16 power = float_of(bits_of(mantissa) + (steps << 23));
  power = choose(x < kLowest, f32x16{}, choose(x > kHighest, splat(__builtin_inff()), power));
  return choose(x != x, x, power);
}

TABULAE_INLINE f32x16 magnitude(f32x16 x) { return float_of(bits_of(x) & 0x7fffffff); }

TABULAE_INLINE f32x16 with_sign(f32x16 size, f32x16 sign) {
  return float_of((bits_of(size) & 0x7fffffff) | (bits_of(sign) & static_cast<int32_t>(0x80000000)));
}

TABULAE_INLINE f32x16 hyperbolic_tangent(f32x16 x) {
  constexpr float kSmall = 0.625f, kLarge = 10.0f;
  constexpr float kTanh[] = {-0x1.769df8p-8f, 0x1.525328p-6f, -0x1.b8439ap-5f, 0x1.110762p-3f, -0x1.555534p-2f};
  f32x16 a = magnitude(x);
  a = choose(a > kLarge, splat(kLarge), a);
  const f32x16 z = a * a;
  const f32x16 small = a + a * (z * horner(kTanh, z));
  const f32x16 large = 1.0f - 2.0f / (exponential(a + a) + 1.0f);
  return with_sign(choose(a < kSmall, small, large), x);
}

TABULAE_INLINE f32x16 error_function(f32x16 x) {
  constexpr float kLarge = 4.0f;
  constexpr float kErf[] = {0x1.4771fcp-14f, -0x1.a3515ep-11f, 0x1.53f224p-8f, -0x1.b7f71ap-6f,
                            0x1.ce2ce6p-4f,  -0x1.81273ep-2f,  0x1.06eba8p-3f};
  constexpr float kErfc[] = {-0x1.8528d0p-13f, 0x1.814ad4p-9f, -0x1.654170p-6f, 0x1.a60a4ap-4f,
                             0x1.46c588p-1f,   0x1.2085b2p+0f, 0x1.72e404p-12f};
  f32x16 a = magnitude(x);
  a = choose(a > kLarge, splat(kLarge), a);
  const f32x16 small = a + a * horner(kErf, a * a);
  const f32x16 large = 1.0f - exponential(-horner(kErfc, a));
  return with_sign(choose(a < 1.0f, small, large), x);
}

// Sine and cosine of one angle: float64 inside, rounded once. Run once per position, so it is scalar.
TABULAE_INLINE void sine_cosine(float angle, float* cosine, float* sine) {
  constexpr double kTwoByPi = 0x1.45f306dc9c883p-1, kHigh = 0x1.921fb544p+0, kLow = 0x1.0b4611a626331p-34;
  constexpr double kSin[] = {0x1.6cd5eb2091635p-19, -0x1.a00f939385b0ap-13, 0x1.11110889ee90dp-7,
                             -0x1.5555554ca9238p-3};
  constexpr double kCos[] = {-0x1.2429083909893p-22, 0x1.a011178773c98p-16, -0x1.6c16b88be8543p-10,
                             0x1.5555554f42827p-5};
  const double wide = angle;
  const double n = __builtin_nearbyint(wide * kTwoByPi);
  const double r = (wide - n * kHigh) - n * kLow;
  const double z = r * r;
  const double s = r + r * (z * horner(kSin, z));
  const double c = (1.0 - 0.5 * z) + (z * z) * horner(kCos, z);
  const int64_t quadrant = static_cast<int64_t>(n);
  const auto turned = [&](int64_t q) {
    const double value = q & 1 ? c : s;
    return static_cast<float>(q & 2 ? -value : value);
  };
  *sine = turned(quadrant);
  *cosine = turned(quadrant + 1);
}

TABULAE_INLINE f32x16 soft_capped(f32x16 x, float cap) { return cap * hyperbolic_tangent(x / cap); }

TABULAE_INLINE f32x16 silu(f32x16 x) { return x / (1.0f + exponential(-x)); }

TABULAE_INLINE f32x16 gelu(f32x16 x) { return (0.5f * x) * (1.0f + error_function(x * 0.7071067811865476f)); }

TABULAE_INLINE f32x16 gelu_tanh(f32x16 x) {
  return (0.5f * x) * (1.0f + hyperbolic_tangent(0.7978845608028654f * (x + 0.044715f * ((x * x) * x))));
}

TABULAE_INLINE f32x16 relu(f32x16 x) { return choose(x > 0.0f, x, f32x16{}); }

}  // namespace tabulae
