// Table linears without a multiplication per weight. For every 8 columns the products of their activations with 16
// values stand in two 128-byte tables (low and high bytes); one vpermi2b each looks up 64 products, vpsadbw adds those
// of a row. Up to 4 bits the 16 values are the codepoints; above, and for int16 codepoints, codepoint + 128 or + 8192
// is cut in nibbles, and the 16 values are 0..15. Position tables are copied from one product table per codebook: no
// product is computed while running.
namespace {

constexpr int kProductBias = 1 << 14;  // |product| <= 127 * 127 < 2^14: biased products are unsigned, 15 bits
constexpr int64_t kTableBytes = 256;   // product tables of 8 columns: 128 low bytes, 128 high bytes
constexpr int64_t kBlockBytes = kBlock / 8 * kTableBytes;

Request request_products(const TableMatrix& w) { return {w.blocks() * kBlockBytes, w.products.nibbles}; }

// tables [octets][low, high][8 columns][16 products]: the 16 products of one activation are one row of w.products
// (graph/model.cpp), biased, as bytes.
void prepare_products(const TableMatrix& w, const Activations& x, int64_t position, uint8_t* tables) {
  const int8_t* codes = x.row(position);
  for (int64_t column = 0; column < x.blocks * kBlock; ++column) {
    uint8_t* low = tables + column / 8 * kTableBytes + column % 8 * 16;
    const int32_t* products = &w.products.nibbles[(codes[column] + 128) * 16];
    const __m512i p = _mm512_add_epi32(_mm512_loadu_si512(products), _mm512_set1_epi32(kProductBias));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(low), _mm512_cvtepi32_epi8(p));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(low + 128), _mm512_cvtepi32_epi8(_mm512_srli_epi32(p, 8)));
  }
}

// Index of a code in the tables of its 8 columns: low bits from the code, the column's number above them.
template <int Bits>
TABULAE_INLINE __m512i table_index(__m512i code) {
  const __m512i column = _mm512_set1_epi64(0x7060504030201000);
  return _mm512_ternarylogic_epi32(_mm512_set1_epi8((1 << Bits) - 1), code, column, 0xca);
}

struct Sums {
  __m512i low = {}, high = {};  // int64 of 8 rows: the low and the high bytes of biased products
  TABULAE_INLINE_MEMBER void add(const uint8_t* table, __m512i index) {
    const auto look = [&](int at) {
      return _mm512_permutex2var_epi8(_mm512_loadu_si512(table + at), index, _mm512_loadu_si512(table + at + 64));
    };
    low = _mm512_add_epi64(low, _mm512_sad_epu8(look(0), _mm512_setzero_si512()));
    high = _mm512_add_epi64(high, _mm512_sad_epu8(look(128), _mm512_setzero_si512()));
  }
  TABULAE_INLINE_MEMBER __m512i value() const {
    const __m512i biased = _mm512_add_epi64(low, _mm512_slli_epi64(high, 8));
    return _mm512_sub_epi64(biased, _mm512_set1_epi64(kBlock * kProductBias));
  }
};

// One block for 8 rows: exact int64 sums of products.
template <int Bits>
TABULAE_INLINE __m512i looked_up(const __m512i v[4], const uint8_t* tables, const ByteTable<Bits>& biased,
                                 int64_t bias) {
  if constexpr (Bits <= 4) {
    Sums sums;
    for (int o = 0; o < 4; ++o) sums.add(tables + o * kTableBytes, table_index<Bits>(v[o]));
    return sums.value();
  } else {
    Sums low, high;
    for (int o = 0; o < 4; ++o) {
      const __m512i c = biased(v[o]);
      low.add(tables + o * kTableBytes, table_index<4>(c));
      high.add(tables + o * kTableBytes, table_index<4>(_mm512_srli_epi16(c, 4)));
    }
    const __m512i both = _mm512_add_epi64(low.value(), _mm512_slli_epi64(high.value(), 4));
    return _mm512_add_epi64(both, _mm512_set1_epi64(static_cast<int32_t>(bias)));
  }
}

// int16 codepoints: codepoint + 8192 in four nibbles.
template <int Bits>
struct WideTables {
  ByteTable<Bits> low, high;
  explicit WideTables(const TableMatrix& w)
      : low([&](int code) { return (w.codebook[code] + 8192) & 255; }),
        high([&](int code) { return (w.codebook[code] + 8192) >> 8; }) {}
};

template <int Bits>
TABULAE_INLINE __m512i looked_up(const __m512i v[4], const uint8_t* tables, const WideTables<Bits>& codepoints,
                                 int64_t bias) {
  Sums sums[4];
  for (int o = 0; o < 4; ++o) {
    const __m512i bytes[2] = {codepoints.low(v[o]), codepoints.high(v[o])};
    for (int n = 0; n < 4; ++n) {
      const __m512i byte = n % 2 ? _mm512_srli_epi16(bytes[n / 2], 4) : bytes[n / 2];
      sums[n].add(tables + o * kTableBytes, table_index<4>(byte));
    }
  }
  __m512i whole = _mm512_set1_epi64(int64_t{static_cast<int32_t>(bias)} << 6);  // -8192 = -128 * 2^6
  for (int n = 0; n < 4; ++n) whole = _mm512_add_epi64(whole, _mm512_slli_epi64(sums[n].value(), 4 * n));
  return whole;
}

struct Biased {
  template <int Bits>
  static ByteTable<Bits> of(const TableMatrix& w) {
    return ByteTable<Bits>([&](int code) { return w.biased[code]; });
  }
};
struct Wide {
  template <int Bits>
  static WideTables<Bits> of(const TableMatrix& w) {
    return WideTables<Bits>(w);
  }
};

template <class Codepoints, int Bits>
void lookup_panels(const TableTask& t) {
  const TableMatrix& w = t.w;
  const Activations& x = t.x;
  const auto codepoints = Codepoints::template of<Bits>(w);
  each_tile<kTile>(t, [&](int64_t panel, int64_t first, int64_t count) TABULAE_INLINE_LAMBDA {
    __m512i total[kTile][2] = {};  // [position][half]: int64 of 8 rows
    each_chunk(w, panel, [&](int64_t begin, int64_t end, const int8_t* m) TABULAE_INLINE_LAMBDA {
      __m512i sums[kTile][2] = {};  // the same, of a chunk: it fits the low 32 bits, which the last product reads
      const uint8_t* unit = panel_of(w, panel) + begin * (Bits * kLine);
      for (int64_t b = begin; b < end; ++b, unit += Bits * kLine) {
        __m512i v[8];  // [half][octet]: codes of 8 rows x 8 columns
        prefetch(unit, Bits);
        expand<Bits>(unit, v);
        for (int64_t i = 0; i < count; ++i) {
          const int64_t at = (first + i) * x.blocks + b;
          const uint8_t* tables = t.prepared(first + i) + b * kBlockBytes;
          const __m128i shift = _mm_cvtsi32_si128(x.exponents[at]);
          for (int h = 0; h < 2; ++h)
            sums[i][h] = _mm512_add_epi64(
                sums[i][h], _mm512_sll_epi64(looked_up<Bits>(v + 4 * h, tables, codepoints, x.bias[at]), shift));
        }
      }
      for (int64_t i = 0; i < count; ++i)
        for (int h = 0; h < 2; ++h)
          total[i][h] =
              _mm512_add_epi64(total[i][h], _mm512_mul_epi32(sums[i][h], multipliers(m ? m + 8 * h : nullptr)));
    });
    int64_t totals[kTile][kPanel];
    for (int64_t i = 0; i < count; ++i)
      for (int h = 0; h < 2; ++h) _mm512_storeu_si512(&totals[i][8 * h], total[i][h]);
    hand_over<true>(t, panel, first, count, totals);
  });
}

template <class Codepoints>
void lookup_for(const TableTask& t) {
  constexpr TablePanels kByBits[] = {lookup_panels<Codepoints, 1>, lookup_panels<Codepoints, 2>,
                                     lookup_panels<Codepoints, 3>, lookup_panels<Codepoints, 4>,
                                     lookup_panels<Codepoints, 5>, lookup_panels<Codepoints, 6>,
                                     lookup_panels<Codepoints, 7>, lookup_panels<Codepoints, 8>};
  kByBits[t.w.bits - 1](t);
}

void lookup(const TableTask& t) { t.w.wide ? lookup_for<Wide>(t) : lookup_for<Biased>(t); }

}  // namespace
