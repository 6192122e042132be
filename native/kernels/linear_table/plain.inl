// Table linears in plain C++, the reference of all kernels of this folder. Both arithmetics read layout panel16 in
// place and give the same integers; `lookup` has no multiplication per weight: it reads the products of the matrix
// (w.products), and nothing is prepared of an input.
namespace {

using panel16::kLine, panel16::panel_of, panel16::unit_bytes;

// Adds one plane of all codes of a unit: `Plane` bits of each, `Plane` lines of 64 bytes; line by line, as they lie.
template <int Plane>
const uint8_t* read_plane(const uint8_t* unit, int low, uint8_t codes[kPanel][kBlock]) {
  constexpr int kPerLine = 8 / Plane, kMask = (1 << Plane) - 1;
  for (int octet = 0; octet < 8; ++octet) {
    const uint8_t* line = unit + octet / kPerLine * kLine;
    const int shift = octet % kPerLine * Plane;
    for (int row = 0; row < 8; ++row)
      for (int col = 0; col < 8; ++col)
        codes[octet / 4 * 8 + row][octet % 4 * 8 + col] |=
            static_cast<uint8_t>((line[8 * row + col] >> shift & kMask) << low);
  }
  return unit + Plane * kLine;
}

// The 16 x 32 codepoint indices of one unit: Layout::code for all of them.
void read_unit(const uint8_t* unit, int bits, uint8_t codes[kPanel][kBlock]) {
  std::memset(codes, 0, kPanel * kBlock);
  if (bits & 8) unit = read_plane<8>(unit, 0, codes);
  if (bits & 4) unit = read_plane<4>(unit, bits & 8, codes);
  if (bits & 2) unit = read_plane<2>(unit, bits & 12, codes);
  if (bits & 1) read_plane<1>(unit, bits & 14, codes);
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
  static constexpr bool kLookup = false;
  using Operand = int16_t;
  static Operand operand(const TableMatrix& w, uint8_t code) { return w.codebook[code]; }
  static int32_t product(const TableMatrix&, Operand value, int8_t x) { return value * x; }
};

struct LookUp {
  static constexpr bool kLookup = true;
  using Operand = uint8_t;
  static Operand operand(const TableMatrix&, uint8_t code) { return code; }
  static int32_t product(const TableMatrix& w, Operand code, int8_t x) {
    const int32_t* products = w.products.codepoints;
    return products ? products[(x + 128) << w.bits | code] : kQuarterSquares(w.codebook[code], x);
  }
};

// The sums of the products of the 16 rows of a unit. A function of its own, so that its machine code can be looked at:
// with LookUp there is no multiplication in it.
template <class Arithmetic>
__attribute__((noinline)) void unit_sums(const TableMatrix& w,
                                         const typename Arithmetic::Operand operands[kPanel][kBlock], const int8_t* xs,
                                         int32_t sums[kPanel]) {
  for (int64_t row = 0; row < kPanel; ++row) {
    int32_t sum = 0;
    for (int64_t j = 0; j < kBlock; ++j) sum += Arithmetic::product(w, operands[row][j], xs[j]);
    sums[row] = sum;
  }
}

// Positions that one reading of a unit serves: a batch of a prompt, and 8 KB of totals.
constexpr int64_t kPlainPositions = 64;

template <class Arithmetic>
void plain_panel(const TableTask& t, int64_t panel, int64_t first, int64_t count) {
  const TableMatrix& w = t.w;
  int64_t totals[kPlainPositions][kPanel];  // [position][row]
  std::memset(totals, 0, static_cast<size_t>(count) * sizeof totals[0]);
  uint8_t codes[kPanel][kBlock];
  typename Arithmetic::Operand operands[kPanel][kBlock];
  int32_t sums[kPanel];
  for (int64_t b = 0; b < t.x.blocks; ++b) {
    read_unit(panel_of(w, panel) + b * unit_bytes(w), w.bits, codes);
    for (int64_t row = 0; row < kPanel; ++row)
      for (int64_t j = 0; j < kBlock; ++j) operands[row][j] = Arithmetic::operand(w, codes[row][j]);
    const int8_t* m = w.multipliers ? w.multipliers + (panel * w.groups() + b / w.group) * kPanel : nullptr;
    for (int64_t i = 0; i < count; ++i) {
      unit_sums<Arithmetic>(w, operands, t.x.row(first + i) + b * kBlock, sums);
      const int32_t exponent = t.x.exponents[(first + i) * t.x.blocks + b];
      for (int64_t row = 0; row < kPanel; ++row) totals[i][row] += (int64_t{sums[row]} << exponent) * (m ? m[row] : 1);
    }
  }
  hand_over<Arithmetic::kLookup>(t, panel, first, count, totals);
}

template <class Arithmetic>
void plain_panels(const TableTask& t) {
  each_tile<kPlainPositions>(
      t, [&](int64_t panel, int64_t first, int64_t count) { plain_panel<Arithmetic>(t, panel, first, count); });
}

}  // namespace
