// What kernels read: one tensor as integers, one tensor as floats, and the codes of a batch of inputs.
// Sizes are checked where these are made (graph/model.cpp); kernels trust them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/inline.h"

namespace tabulae {

inline constexpr int64_t kPanel = 16;  // rows that are one piece of work, and lie together in every layout
inline constexpr int64_t kBlock = 32;  // columns of one activation exponent
inline constexpr int64_t kCacheLine = 64;

TABULAE_INLINE constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
TABULAE_INLINE constexpr int64_t least(int64_t a, int64_t b) { return b < a ? b : a; }

// Product tables of the 256 activation codes (row x + 128), made when a model is loaded.
struct Products {
  const int32_t* codepoints = nullptr;  // [256][2^bits]; none where quarter squares serve (8 bits, int8 codepoints)
  const int32_t* nibbles = nullptr;     // [256][16]: with int8 codepoints of up to 4 bits, else with 0..15
};

struct Layout;  // core/layouts.h

// One tensor, read where it lies.
struct TableMatrix {
  int64_t rows = 0, cols = 0;
  int bits = 0;            // of a code, 1..8
  int exponents = 4;       // E of the activation codes of its input
  int64_t group = 0;       // blocks that share a multiplier
  int64_t chunk = 1;       // blocks whose shifted sum is proved to fit int32
  bool wide = false;       // codepoints are int16, |c| <= 8191; else int8, |c| <= 127
  bool one_scale = false;  // granularity tensor

  const Layout* layout = nullptr;       // of the codes
  const uint8_t* codes = nullptr;       // [panels][bytes of a panel]
  const int8_t* multipliers = nullptr;  // [panels][groups][16], or none: 1
  const uint16_t* scales = nullptr;     // bf16 [rows] or [1]
  int16_t codebook[256] = {};           // padded with 0: any byte is a valid index
  uint8_t biased[256] = {};             // codepoint + 128, for int8 codepoints
  bool affine = false;                  // codepoint = code - offset for all codes (int:8)
  int offset = 0;

  const uint32_t* outlier_offsets = nullptr;  // [rows + 1], or none
  const uint16_t* outlier_columns = nullptr;
  const int32_t* outlier_values = nullptr;

  Products products;

  TABULAE_INLINE_MEMBER int64_t blocks() const { return ceil_div(cols, kBlock); }
  TABULAE_INLINE_MEMBER int64_t panels() const { return ceil_div(rows, kPanel); }
  TABULAE_INLINE_MEMBER int64_t groups() const { return ceil_div(blocks(), group); }
  TABULAE_INLINE_MEMBER float scale(int64_t row) const;
};

struct FloatMatrix {
  int64_t rows = 0, cols = 0;
  const float* data = nullptr;  // row-major
};

// Activation codes of `n` inputs: x ~ codes * 2^exponents * scale.
struct Activations {
  int64_t n = 0, cols = 0, blocks = 0;
  int8_t* codes = nullptr;       // [n][blocks * 32]
  int32_t* exponents = nullptr;  // [n][blocks]
  int64_t* bias = nullptr;       // [n][blocks]: -128 * sum of the block's codes, modulo 2^32 in the low half
  float* scales = nullptr;       // [n]
  uint8_t* scratch = nullptr;    // [n][stride] bytes: what kernels prepare of an input (core/kernels.h)
  int64_t stride = 0;
  TABULAE_INLINE_MEMBER const int8_t* row(int64_t i) const { return codes + i * blocks * kBlock; }
};

TABULAE_INLINE float from_bfloat16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  __builtin_memcpy(&value, &wide, 4);
  return value;
}

TABULAE_INLINE_MEMBER float TableMatrix::scale(int64_t row) const { return from_bfloat16(scales[one_scale ? 0 : row]); }

}  // namespace tabulae
