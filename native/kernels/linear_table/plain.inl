// Table linears in plain C++, the reference of all kernels of this folder. Both arithmetics read layout panel16 in
// place and give the same integers; `lookup` has no multiplication per weight.
namespace {

// The 16 x 32 codepoint indices of one unit.
TABULAE_INLINE void read_unit(const TableMatrix& w, const uint8_t* unit, uint8_t codes[kPanel][kBlock]) {
  for (int64_t row = 0; row < kPanel; ++row)
    for (int64_t col = 0; col < kBlock; ++col)
      codes[row][col] = static_cast<uint8_t>(read_code(unit, w.bits, row, col));
}

// q(x + y) - q(x - y) = x y, q(n) = floor(n^2 / 4): one table of 511 entries for all 8-bit products.
struct QuarterSquares {
  int32_t q[511] = {};
  constexpr QuarterSquares() {
    for (int n = -255; n <= 255; ++n) q[n + 255] = n * n / 4;
  }
  int32_t operator()(int x, int y) const { return q[x + y + 255] - q[x - y + 255]; }
};
constexpr QuarterSquares kQuarterSquares;

struct Multiply {
  static int32_t product(const TableMatrix& w, uint8_t code, int8_t x) { return w.codebook[code] * x; }
};

struct LookUp {
  static int32_t product(const TableMatrix& w, uint8_t code, int8_t x) {
    const int32_t* products = w.products.codepoints;
    return products ? products[(x + 128) << w.bits | code] : kQuarterSquares(w.codebook[code], x);
  }
};

// The products of one row of a unit. A function of its own, so that its machine code can be looked at: with LookUp
// there is no multiplication in it.
template <class Arithmetic>
__attribute__((noinline)) int32_t block_sum(const TableMatrix& w, const uint8_t codes[kBlock], const int8_t* xs) {
  int32_t sum = 0;
  for (int64_t j = 0; j < kBlock; ++j) sum += Arithmetic::product(w, codes[j], xs[j]);
  return sum;
}

template <class Arithmetic>
void plain_panel(const TableMatrix& w, const Activations& x, int64_t panel, int64_t first, int64_t count,
                 int64_t totals[kTile][kPanel]) {
  std::memset(totals, 0, kTile * sizeof totals[0]);
  uint8_t codes[kPanel][kBlock];
  for (int64_t b = 0; b < x.blocks; ++b) {
    read_unit(w, w.panel(panel) + b * w.unit(), codes);
    const int8_t* m = w.multipliers ? w.multipliers + (panel * w.groups() + b / w.group) * kPanel : nullptr;
    for (int64_t i = 0; i < count; ++i) {
      const int8_t* xs = x.row(first + i) + b * kBlock;
      for (int64_t row = 0; row < kPanel; ++row) {
        const int32_t sum = block_sum<Arithmetic>(w, codes[row], xs);
        totals[i][row] += (int64_t{sum} << x.exponents[(first + i) * x.blocks + b]) * (m ? m[row] : 1);
      }
    }
  }
}

// o * x by shifts and additions alone.
int64_t shifted_product(int32_t o, int x) {
  int64_t sum = 0;
  for (int left = x < 0 ? -x : x, bit = 0; left; left >>= 1, ++bit)
    if (left & 1) sum += int64_t{o} << bit;
  return x < 0 ? -sum : sum;
}

// Outliers of one panel: integers in units of the row scale, added to the totals.
template <bool Lookup>
void add_outliers(const TableMatrix& w, const Activations& x, int64_t panel, int64_t first, int64_t count,
                  int64_t totals[kTile][kPanel]) {
  const int64_t rows = least(kPanel, w.rows - panel * kPanel);
  for (int64_t row = 0; row < rows; ++row)
    for (uint32_t k = w.outlier_offsets[panel * kPanel + row]; k < w.outlier_offsets[panel * kPanel + row + 1]; ++k)
      for (int64_t i = 0; i < count; ++i) {
        const int64_t col = w.outlier_columns[k], at = first + i;
        const int32_t o = w.outlier_values[k];
        const int64_t product = Lookup ? shifted_product(o, x.row(at)[col]) : int64_t{o} * x.row(at)[col];
        totals[i][row] += product << x.exponents[at * x.blocks + col / kBlock];
      }
}

// Last step, ARCHITECTURE 3.6: float32(A) * (row scale * s) (+ bias), each rounded once, in this order.
void finish(const TableMatrix& w, const Activations& x, int64_t panel, int64_t first, int64_t count,
            const int64_t totals[kTile][kPanel], const float* bias, float* y, int64_t y_stride) {
  const int64_t base = panel * kPanel, rows = least(kPanel, w.rows - base);
  float scales[kPanel];
  for (int64_t row = 0; row < rows; ++row) scales[row] = w.scale(base + row);
  for (int64_t i = 0; i < count; ++i) {
    const float s = x.scales[first + i];
    float* out = y + (first + i) * y_stride + base;
    for (int64_t row = 0; row < rows; ++row) {
      const float value = static_cast<float>(totals[i][row]) * (scales[row] * s);
      out[row] = bias ? value + bias[base + row] : value;
    }
  }
}

}  // namespace
