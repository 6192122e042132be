// Table linears by vpermb and vpdpbusd (int8 codepoints) or vpdpwssd (int16): a unit is expanded once for up to four
// positions (kTile). Sums of a chunk are int32 modulo 2^32, which the chunk's proof makes exact; then int64.
namespace {

// int8 codepoints: bytes are codepoint + 128, unsigned; Activations::bias takes 128 * sum of activations off again.
template <int Bits>
struct Bytes {
  static constexpr int kVectors = 8;  // of one unit
  static constexpr int kParts = 1;    // int32 accumulators for 8 rows
  ByteTable<Bits> table;
  explicit Bytes(const TableMatrix& w) : table([&](int code) { return w.biased[code]; }) {}

  TABULAE_INLINE_MEMBER void decode(const uint8_t* unit, __m512i v[kVectors]) const {
    expand<Bits>(unit, v);
    for (int i = 0; i < kVectors; ++i) v[i] = table(v[i]);
  }
};

// Codepoint = code - offset: no table, one addition.
struct Affine {
  static constexpr int kVectors = 8;
  static constexpr int kParts = 1;
  __m512i shift;
  explicit Affine(const TableMatrix& w) : shift(_mm512_set1_epi8(static_cast<char>(128 - w.offset))) {}

  TABULAE_INLINE_MEMBER void decode(const uint8_t* unit, __m512i v[kVectors]) const {
    expand<8>(unit, v);
    // code 255 stands for 0 (128 as it is kept here): int:8 has 255 codepoints
    for (int i = 0; i < kVectors; ++i)
      v[i] = _mm512_mask_blend_epi8(_mm512_cmpeq_epi8_mask(v[i], _mm512_set1_epi8(-1)), _mm512_add_epi8(v[i], shift),
                                    _mm512_set1_epi8(static_cast<char>(128)));
  }
};

// One block of 32 columns for 8 rows: int32 partial sums, two for every row. v[octet] holds [8 rows][8 columns] bytes,
// x [32]; a qword of 8 activations meets all rows at once.
TABULAE_INLINE __m512i eight_rows(const __m512i v[4], const int8_t* x, const int64_t* bias) {
  __m512i sum = _mm512_set1_epi64(*bias);  // its high half is 0: one of a row's two sums takes it
  for (int o = 0; o < 4; ++o) {
    int64_t eight;
    std::memcpy(&eight, x + 8 * o, 8);
    sum = _mm512_dpbusd_epi32(sum, v[o], _mm512_set1_epi64(eight));
  }
  return sum;
}

template <class Code, int Bits, int N>
TABULAE_INLINE void multiply_tile(const TableTask& t, const Code& code, int64_t panel, int64_t first) {
  const TableMatrix& w = t.w;
  const Activations& x = t.x;
  __m512i total[N][2] = {};  // [position][half]: int64 of 8 rows
  each_chunk(w, panel, [&](int64_t begin, int64_t end, const int8_t* m) TABULAE_INLINE_LAMBDA {
    __m512i sums[N][2] = {};  // [position][half]: two int32 for each of 8 rows, modulo 2^32
    const uint8_t* unit = panel_of(w, panel) + begin * (Bits * kLine);
    for (int64_t b = begin; b < end; ++b, unit += Bits * kLine) {
      __m512i v[8];  // [half][octet]: bytes of 8 rows x 8 columns
      prefetch(unit, Bits);
      code.decode(unit, v);
      for (int i = 0; i < N; ++i) {
        const int64_t at = (first + i) * x.blocks + b;
        const int8_t* xs = x.codes + at * kBlock;
        const __m512i shift = _mm512_set1_epi32(x.exponents[at]);
        for (int h = 0; h < 2; ++h)
          sums[i][h] = _mm512_add_epi32(sums[i][h], _mm512_sllv_epi32(eight_rows(v + 4 * h, xs, &x.bias[at]), shift));
      }
    }
    const __m512i ms[2] = {multipliers(m), multipliers(m ? m + 8 : nullptr)};
    for (int i = 0; i < N; ++i)
      for (int h = 0; h < 2; ++h) {
        // the low half of a qword is the row's sum; _mm512_mul_epi32 reads nothing else
        const __m512i whole = _mm512_add_epi32(sums[i][h], _mm512_srli_epi64(sums[i][h], 32));
        total[i][h] = _mm512_add_epi64(total[i][h], _mm512_mul_epi32(whole, ms[h]));
      }
  });
  int64_t totals[N][kPanel];
  for (int i = 0; i < N; ++i)
    for (int h = 0; h < 2; ++h) _mm512_storeu_si512(&totals[i][8 * h], total[i][h]);
  hand_over<false>(t, panel, first, N, totals);
}

template <class Code, int Bits>
void multiply_panels(const TableTask& t) {
  const Code code(t.w);
  each_tile<kTile>(t, [&](int64_t panel, int64_t first, int64_t count) TABULAE_INLINE_LAMBDA {
    switch (count) {
      case 4:
        return multiply_tile<Code, Bits, 4>(t, code, panel, first);
      case 3:
        return multiply_tile<Code, Bits, 3>(t, code, panel, first);
      case 2:
        return multiply_tile<Code, Bits, 2>(t, code, panel, first);
      default:
        return multiply_tile<Code, Bits, 1>(t, code, panel, first);
    }
  });
}

// int16 codepoints: low and high bytes from two tables, interleaved to words; rows 2l and 2l + 1 of lane l apart.
template <int Bits>
void multiply_wide_panels(const TableTask& t) {
  const TableMatrix& w = t.w;
  const Activations& x = t.x;
  const ByteTable<Bits> low([&](int code) { return w.codebook[code] & 255; });
  const ByteTable<Bits> high([&](int code) { return w.codebook[code] >> 8 & 255; });
  each_tile<1>(t, [&](int64_t panel, int64_t position, int64_t) TABULAE_INLINE_LAMBDA {
    __m512i total[2] = {};  // [half]: int64 of 8 rows
    each_chunk(w, panel, [&](int64_t begin, int64_t end, const int8_t* m) {
      __m512i sums[2][2] = {};  // [half][even, odd row of a lane]: four int32 partial sums a row
      const uint8_t* unit = panel_of(w, panel) + begin * (Bits * kLine);
      for (int64_t b = begin; b < end; ++b, unit += Bits * kLine) {
        __m512i v[8];
        prefetch(unit, Bits);
        expand<Bits>(unit, v);
        const int64_t at = position * x.blocks + b;
        const __m512i shift = _mm512_set1_epi32(x.exponents[at]);
        for (int h = 0; h < 2; ++h) {
          __m512i even = {}, odd = {};
          for (int o = 0; o < 4; ++o) {
            const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&x.codes[at * kBlock + 8 * o]));
            const __m512i words = _mm512_broadcast_i32x4(_mm_cvtepi8_epi16(bytes));
            const __m512i l = low(v[4 * h + o]), u = high(v[4 * h + o]);
            even = _mm512_dpwssd_epi32(even, _mm512_unpacklo_epi8(l, u), words);
            odd = _mm512_dpwssd_epi32(odd, _mm512_unpackhi_epi8(l, u), words);
          }
          sums[h][0] = _mm512_add_epi32(sums[h][0], _mm512_sllv_epi32(even, shift));
          sums[h][1] = _mm512_add_epi32(sums[h][1], _mm512_sllv_epi32(odd, shift));
        }
      }
      for (int h = 0; h < 2; ++h) {
        // rows in qwords again, two partial sums each
        const __m512i rows = _mm512_add_epi32(_mm512_unpacklo_epi64(sums[h][0], sums[h][1]),
                                              _mm512_unpackhi_epi64(sums[h][0], sums[h][1]));
        const __m512i whole = _mm512_add_epi32(rows, _mm512_srli_epi64(rows, 32));
        total[h] = _mm512_add_epi64(total[h], _mm512_mul_epi32(whole, multipliers(m ? m + 8 * h : nullptr)));
      }
    });
    int64_t totals[1][kPanel];
    for (int h = 0; h < 2; ++h) _mm512_storeu_si512(&totals[0][8 * h], total[h]);
    hand_over<false>(t, panel, position, 1, totals);
  });
}

template <int Bits>
void multiply_for(const TableTask& t) {
  if (t.w.wide) return multiply_wide_panels<Bits>(t);
  if (Bits == 8 && t.w.affine) return multiply_panels<Affine, 8>(t);
  multiply_panels<Bytes<Bits>, Bits>(t);
}

void multiply(const TableTask& t) {
  constexpr TablePanels kByBits[] = {multiply_for<1>, multiply_for<2>, multiply_for<3>, multiply_for<4>,
                                     multiply_for<5>, multiply_for<6>, multiply_for<7>, multiply_for<8>};
  kByBits[t.w.bits - 1](t);
}

}  // namespace
