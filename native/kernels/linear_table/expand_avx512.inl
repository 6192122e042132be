// One unit of layout panel16 as eight vectors of code indices: index[4 h + o] holds rows 8h..8h+7 in its qwords and
// columns 8o..8o+7 in their bytes. Only the low `Bits` bits of a byte are the code; what lies above is left as it
// comes, because tables are repeated over those bits: a shift per vector is all that unpacking costs.
namespace {

// Moves bit `from` of every byte to bit `to`. 16-bit lanes: the neighbour's bits land only where nobody looks.
template <int From, int To>
TABULAE_INLINE __m512i move_bits(__m512i v) {
  if constexpr (From > To) return _mm512_srli_epi16(v, From - To);
  if constexpr (From < To) return _mm512_slli_epi16(v, To - From);
  return v;
}

// The octet `At` of one plane, its bits at `To` and upwards.
template <int Plane, int At, int To>
TABULAE_INLINE __m512i plane_bits(const uint8_t* lines) {
  constexpr int kPerLine = 8 / Plane;
  return move_bits<At % kPerLine * Plane, To>(_mm512_loadu_si512(lines + At / kPerLine * kLine));
}

// low where bits < Low, else high.
template <int Low>
TABULAE_INLINE __m512i join(__m512i low, __m512i high) {
  return _mm512_ternarylogic_epi32(_mm512_set1_epi8((1 << Low) - 1), low, high, 0xca);
}

template <int Bits, int At>
TABULAE_INLINE __m512i index_at(const uint8_t* unit) {
  if constexpr (Bits == 8 || Bits == 4 || Bits == 2 || Bits == 1) return plane_bits<Bits, At, 0>(unit);
  if constexpr (Bits == 3) return join<2>(plane_bits<2, At, 0>(unit), plane_bits<1, At, 2>(unit + 2 * kLine));
  if constexpr (Bits == 5) return join<4>(plane_bits<4, At, 0>(unit), plane_bits<1, At, 4>(unit + 4 * kLine));
  if constexpr (Bits == 6) return join<4>(plane_bits<4, At, 0>(unit), plane_bits<2, At, 4>(unit + 4 * kLine));
  if constexpr (Bits == 7) return join<6>(index_at<6, At>(unit), plane_bits<1, At, 6>(unit + 6 * kLine));
}

template <int Bits>
TABULAE_INLINE void expand(const uint8_t* unit, __m512i index[8]) {
  index[0] = index_at<Bits, 0>(unit), index[1] = index_at<Bits, 1>(unit);
  index[2] = index_at<Bits, 2>(unit), index[3] = index_at<Bits, 3>(unit);
  index[4] = index_at<Bits, 4>(unit), index[5] = index_at<Bits, 5>(unit);
  index[6] = index_at<Bits, 6>(unit), index[7] = index_at<Bits, 7>(unit);
}

// A table of bytes for code indices with rubbish above `Bits` bits: 64, 128 or 256 entries in registers.
template <int Bits>
struct ByteTable {
  static constexpr int kRegisters = Bits <= 6 ? 1 : Bits == 7 ? 2 : 4;
  __m512i part[kRegisters];

  template <class Entry>
  explicit ByteTable(Entry entry) {
    alignas(64) uint8_t bytes[kRegisters * 64];
    for (int i = 0; i < kRegisters * 64; ++i) bytes[i] = static_cast<uint8_t>(entry(i & ((1 << Bits) - 1)));
    for (int i = 0; i < kRegisters; ++i) part[i] = _mm512_load_si512(bytes + 64 * i);
  }

  TABULAE_INLINE_MEMBER __m512i operator()(__m512i index) const {
    if constexpr (kRegisters == 1) return _mm512_permutexvar_epi8(index, part[0]);
    if constexpr (kRegisters == 2) return _mm512_permutex2var_epi8(part[0], index, part[1]);
    if constexpr (kRegisters == 4)
      return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), _mm512_permutex2var_epi8(part[0], index, part[1]),
                                    _mm512_permutex2var_epi8(part[2], index, part[3]));
  }
};

constexpr int64_t kPrefetch = 6144;  // bytes ahead on the one stream; 4-8 KB measured best

TABULAE_INLINE void prefetch(const uint8_t* unit, int lines) {
  for (int i = 0; i < lines; ++i)
    _mm_prefetch(reinterpret_cast<const char*>(unit) + kPrefetch + i * kLine, _MM_HINT_T0);
}

// Multipliers of 8 rows as int64, or ones.
TABULAE_INLINE __m512i multipliers(const int8_t* m) {
  return m ? _mm512_cvtepi8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(m))) : _mm512_set1_epi64(1);
}

// Positions that one expansion of a unit serves: what is summed for them, in two halves of 8 rows, stays in registers.
constexpr int64_t kTile = 4;

// Calls body(first block, end, multipliers of the group) for every chunk of every group of one panel.
template <class Body>
TABULAE_INLINE void each_chunk(const TableMatrix& w, int64_t panel, Body body) {
  const int64_t blocks = w.blocks();
  const int8_t* m = w.multipliers ? w.multipliers + panel * w.groups() * kPanel : nullptr;
  for (int64_t begin = 0; begin < blocks; begin += w.group) {
    const int64_t end = least(begin + w.group, blocks);
    for (int64_t b = begin; b < end; b += w.chunk) body(b, least(b + w.chunk, end), m);
    if (m) m += kPanel;
  }
}

}  // namespace
