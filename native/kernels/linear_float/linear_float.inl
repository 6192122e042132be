// Float linears: y = sum over columns in 16 lanes, then the tree. Tiles of rows x positions share the loads; a
// tile's shape changes nothing in any sum.
namespace {

template <int R, int P>
TABULAE_INLINE void float_tile(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t row, const float* bias,
                               float* y, int64_t y_stride) {
  f32x16 sums[R][P] = {};
  const float* weights = w.data + row * w.cols;
  const int64_t whole = w.cols / kLanes * kLanes;
  for (int64_t j = 0; j < whole; j += kLanes)
    for (int p = 0; p < P; ++p) {
      const f32x16 v = load(x + p * x_stride + j);
      for (int r = 0; r < R; ++r) sums[r][p] += load(weights + r * w.cols + j) * v;
    }
  if (whole < w.cols)
    for (int p = 0; p < P; ++p) {
      const f32x16 v = load_part(x + p * x_stride + whole, w.cols - whole);
      for (int r = 0; r < R; ++r) sums[r][p] += load_part(weights + r * w.cols + whole, w.cols - whole) * v;
    }
  for (int p = 0; p < P; ++p)
    for (int r = 0; r < R; ++r) {
      const float sum = tree(sums[r][p]);
      y[p * y_stride + row + r] = bias ? sum + bias[row + r] : sum;
    }
}

template <int R>
void float_rows(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t n, int64_t row, const float* bias,
                float* y, int64_t y_stride) {
  int64_t p = 0;
  for (; p + 4 <= n; p += 4) float_tile<R, 4>(w, x + p * x_stride, x_stride, row, bias, y + p * y_stride, y_stride);
  for (; p < n; ++p) float_tile<R, 1>(w, x + p * x_stride, x_stride, row, bias, y + p * y_stride, y_stride);
}

void float_linear(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t n, int64_t row_begin, int64_t row_end,
                  const float* bias, float* y, int64_t y_stride) {
  int64_t row = row_begin;
  for (; row + 4 <= row_end; row += 4) float_rows<4>(w, x, x_stride, n, row, bias, y, y_stride);
  for (; row < row_end; ++row) float_rows<1>(w, x, x_stride, n, row, bias, y, y_stride);
}

}  // namespace
