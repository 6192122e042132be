// Dot products of bytes: two of them are a sum of 16 bits, and as many of these as are sure to fit are added up before
// they become 32 bits. With 4-bit codes and weights these are 4,352 columns.
namespace {

TABULAE_INLINE __m256i bytes_at(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

// The sums of the lanes of four vectors.
TABULAE_INLINE __m128i sums_of(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i four = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  return _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
}

// Four rows [columns] of w for P inputs.
template <int P>
TABULAE_INLINE void bytes_by_four(const DotTask<uint8_t, int8_t>& t, const uint8_t* x, const int8_t* w, int32_t* y) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[P][4];
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) sums[p][r] = _mm256_setzero_si256();
  for (int64_t begin = 0; begin < t.columns;) {
    const int64_t end = begin + least(t.pairs * 32, t.columns - begin);
    __m256i small[P][4];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) small[p][r] = _mm256_setzero_si256();
    for (; begin < end; begin += 32)
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        const __m256i weights = bytes_at(w + r * t.columns + begin);
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p)
          small[p][r] =
              _mm256_add_epi16(small[p][r], _mm256_maddubs_epi16(bytes_at(x + p * t.x_stride + begin), weights));
      }
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) sums[p][r] = _mm256_add_epi32(sums[p][r], _mm256_madd_epi16(small[p][r], ones));
  }
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
    auto* out = reinterpret_cast<__m128i*>(y + p * t.y_stride);
    const __m128i four = sums_of(sums[p][0], sums[p][1], sums[p][2], sums[p][3]);
    _mm_storeu_si128(out, _mm_add_epi32(_mm_loadu_si128(out), four));
  }
}

void dots_of_bytes(const DotTask<uint8_t, int8_t>& t) {
  const int64_t quads = t.rows & ~int64_t{3};
  for (int64_t row = 0; row < quads; row += 4) {
    const int8_t* w = t.w + row * t.columns;
    int64_t i = 0;
    for (; i + 2 <= t.points; i += 2) bytes_by_four<2>(t, t.x + i * t.x_stride, w, t.y + i * t.y_stride + row);
    if (i < t.points) bytes_by_four<1>(t, t.x + i * t.x_stride, w, t.y + i * t.y_stride + row);
  }
  for (int64_t row = quads; row < t.rows; ++row)
    for (int64_t i = 0; i < t.points; ++i) {
      int32_t sum = 0;
      for (int64_t j = 0; j < t.columns; ++j) sum += t.x[i * t.x_stride + j] * t.w[row * t.columns + j];
      t.y[i * t.y_stride + row] += sum;
    }
}

}  // namespace
