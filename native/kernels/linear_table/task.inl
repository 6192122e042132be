// What all table kernels share: how a task falls into tiles, what is done with the totals of one, and the last step.
namespace {

// Panels in the order of the file, which is read once; for each, tiles of at most `Positions` positions.
template <int64_t Positions, class Body>
TABULAE_INLINE void each_tile(const TableTask& t, Body body) {
  for (int64_t panel = t.panel; panel < t.panel + t.panels; ++panel)
    for (int64_t left = t.count; left > 0; left -= Positions)
      body(panel, t.first + t.count - left, least(Positions, left));
}

// o * x by shifts and additions alone.
int64_t shifted_product(int32_t o, int x) {
  int64_t sum = 0;
  for (int left = x < 0 ? -x : x, bit = 0; left; left >>= 1, ++bit)
    if (left & 1) sum += int64_t{o} << bit;
  return x < 0 ? -sum : sum;
}

// Outliers of one panel: integers in units of the row scale, added to the totals. A function of its own, so that its
// machine code can be looked at.
template <bool Lookup>
__attribute__((noinline)) void add_outliers(const TableMatrix& w, const Activations& x, int64_t panel, int64_t first,
                                            int64_t count, int64_t totals[][kPanel]) {
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

// The end of a tile: totals without outliers in, the integers A out.
template <bool Lookup>
TABULAE_INLINE void hand_over(const TableTask& t, int64_t panel, int64_t first, int64_t count,
                              int64_t totals[][kPanel]) {
  if (t.w.outlier_offsets) add_outliers<Lookup>(t.w, t.x, panel, first, count, totals);
  t.take(t.taker, {panel, first, count, totals});
}

// Last step (docs/architecture.md, "The arithmetic", 6): float32(A) * (row scale * s) (+ bias), each rounded once, in
// this order.
void finish(const TableMatrix& w, const Activations& x, int64_t panel, int64_t position, const int64_t totals[kPanel],
            const float* bias, float* y) {
  const int64_t base = panel * kPanel, rows = least(kPanel, w.rows - base);
  const float s = x.scales[position];
  for (int64_t row = 0; row < rows; ++row) {
    const float value = static_cast<float>(totals[row]) * (w.scale(base + row) * s);
    y[base + row] = bias ? value + bias[base + row] : value;
  }
}

}  // namespace
