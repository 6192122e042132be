// Nets of integers: dot products of small integers, entries of tables that are added up, thresholds that are counted.
// Sums are modulo 2^32; that they fit was proved before. Loops of int16 x int16 -> int32 are what compilers have an
// instruction for.
namespace {

// The sums of four rows [columns] of w for two inputs.
TABULAE_INLINE void dots_2x4(const int16_t* a, const int16_t* b, const int16_t* w, int64_t n, int32_t* y, int32_t* z) {
  const int16_t *w0 = w, *w1 = w + n, *w2 = w + 2 * n, *w3 = w + 3 * n;
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
  for (int64_t j = 0; j < n; ++j) {
    a0 += a[j] * w0[j], a1 += a[j] * w1[j], a2 += a[j] * w2[j], a3 += a[j] * w3[j];
    b0 += b[j] * w0[j], b1 += b[j] * w1[j], b2 += b[j] * w2[j], b3 += b[j] * w3[j];
  }
  y[0] += a0, y[1] += a1, y[2] += a2, y[3] += a3;
  z[0] += b0, z[1] += b1, z[2] += b2, z[3] += b3;
}

TABULAE_INLINE void dots_1x4(const int16_t* a, const int16_t* w, int64_t n, int32_t* y) {
  const int16_t *w0 = w, *w1 = w + n, *w2 = w + 2 * n, *w3 = w + 3 * n;
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  for (int64_t j = 0; j < n; ++j) a0 += a[j] * w0[j], a1 += a[j] * w1[j], a2 += a[j] * w2[j], a3 += a[j] * w3[j];
  y[0] += a0, y[1] += a1, y[2] += a2, y[3] += a3;
}

TABULAE_INLINE int32_t dot(const int16_t* a, const int16_t* w, int64_t n) {
  int32_t sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += a[j] * w[j];
  return sum;
}

// Four rows of w stay near while all inputs pass.
void dots(const DotTask<int16_t, int16_t>& t) {
  const int64_t n = t.columns, quads = t.rows & ~int64_t{3};
  for (int64_t row = 0; row < quads; row += 4) {
    const int16_t* w = t.w + row * n;
    int64_t i = 0;
    for (; i + 2 <= t.points; i += 2) {
      const int16_t* x = t.x + i * t.x_stride;
      int32_t* y = t.y + i * t.y_stride + row;
      dots_2x4(x, x + t.x_stride, w, n, y, y + t.y_stride);
    }
    if (i < t.points) dots_1x4(t.x + i * t.x_stride, w, n, t.y + i * t.y_stride + row);
  }
  for (int64_t row = quads; row < t.rows; ++row)
    for (int64_t i = 0; i < t.points; ++i) t.y[i * t.y_stride + row] += dot(t.x + i * t.x_stride, t.w + row * n, n);
}

// For one code of a column, the entries of all rows; what a column has stays near while all inputs pass.
template <class T>
void add_entries(const EntryTask<T>& t) {
  for (int64_t j = 0; j < t.columns; ++j)
    for (int64_t i = 0; i < t.points; ++i) {
      const T* entries = t.entries + (j * t.codes + t.x[i * t.x_stride + j]) * t.stride;
      int32_t* y = t.y + i * t.y_stride;
      for (int64_t row = 0; row < t.rows; ++row) y[row] += entries[row];
    }
}

// Thresholds lie in blocks of 16 channels, [levels][16] each. Arrays and no vectors: GCC compares vectors wider than a
// register element by element.
void count(const int32_t* thresholds, int64_t levels, const int32_t* x, int64_t channels, int32_t* out) {
  for (int64_t c = 0; c < channels; c += kLanes, thresholds += levels * kLanes) {
    const int64_t n = least(kLanes, channels - c);
    int32_t here[kLanes] = {}, found[kLanes] = {};
    __builtin_memcpy(here, x + c, n * sizeof(int32_t));
    for (int64_t k = 0; k < levels; ++k)
      for (int64_t lane = 0; lane < kLanes; ++lane) found[lane] += thresholds[k * kLanes + lane] <= here[lane];
    __builtin_memcpy(out + c, found, n * sizeof(int32_t));
  }
}

}  // namespace
