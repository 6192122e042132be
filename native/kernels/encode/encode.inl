// Activation codes of one input (docs/architecture.md, "The arithmetic", 2): one float32 scale for all columns, one
// power of two per 32.
namespace {

constexpr float kTiny = 0x1p-100f;  // below it an input counts as zero

// max|x| over n columns; infinity where any x is not finite (tested on the bits: an order of integers).
TABULAE_INLINE float largest(const float* x, int64_t n) {
  u32x16 best = {};
  int64_t j = 0;
  const auto take = [&](f32x16 v) {
    const u32x16 size = (u32x16)bits_of(v) & 0x7fffffffu;
    best = size > best ? size : best;
  };
  for (; j + kLanes <= n; j += kLanes) take(load(x + j));
  if (j < n) take(load_part(x + j, n - j));
  uint32_t top = 0;
  for (int i = 0; i < 16; ++i) top = best[i] > top ? best[i] : top;
  float value;
  std::memcpy(&value, &top, 4);
  return value;
}

TABULAE_INLINE void encode_block(const float* x, int64_t n, float factor, float power, int8_t* codes, int64_t* bias) {
  int32_t sum = 0;
  for (int64_t j = 0; j < kBlock; j += kLanes) {
    const int64_t left = n - j;
    const f32x16 v = left >= kLanes ? load(x + j) : left > 0 ? load_part(x + j, left) : f32x16{};
    const i32x16 code = __builtin_convertvector(round_even((v * factor) * power), i32x16);
    for (int i = 0; i < 16; ++i) {
      codes[j + i] = static_cast<int8_t>(code[i]);
      sum += code[i];
    }
  }
  *bias = static_cast<uint32_t>(-128 * sum);
}

bool encode(const float* x, int64_t index, int exponents, Activations& out) {
  int8_t* codes = out.codes + index * out.blocks * kBlock;  // [blocks * 32], zeros past the columns
  int32_t* shifts = out.exponents + index * out.blocks;     // [blocks]
  int64_t* bias = out.bias + index * out.blocks;            // [blocks]
  const float top = largest(x, out.cols);
  if (!(top < __builtin_inff())) return false;
  const bool zero = top < kTiny;
  const float factor = zero ? 0.0f : 127.0f / top;
  out.scales[index] = zero ? 0.0f : top / 127.0f * (1.0f / static_cast<float>(1 << exponents));
  for (int64_t h = 0; h < out.blocks; ++h) {
    const int64_t n = least(kBlock, out.cols - h * kBlock);
    const float block = largest(x + h * kBlock, n);
    int k = zero ? exponents : 0;  // the largest with block * 2^k <= top: products by powers of two are exact
    while (k < exponents && block * static_cast<float>(2 << k) <= top) ++k;
    shifts[h] = exponents - k;
    encode_block(x + h * kBlock, n, factor, static_cast<float>(1 << k), codes + h * kBlock, bias + h);
  }
  return true;
}

}  // namespace
