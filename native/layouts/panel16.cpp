#include "layouts/panel16.h"

namespace tabulae {
namespace panel16 {
namespace {

int64_t panel_bytes(const TableMatrix& w) { return w.blocks() * unit_bytes(w); }

int code_in(const uint8_t* unit, int bits, int64_t row, int64_t col) {
  const int64_t h = row / 8 % 2, i = row % 8, o = col / 8 % 4, k = col % 8, byte = 8 * i + k;
  int code = 0, low = 0;
  for (int plane = 8; plane; plane /= 2) {
    if (!(bits & plane)) continue;
    const int64_t at = h * 4 + o;  // among the 8 octets of a unit
    const int per_line = 8 / plane;
    const int shift = static_cast<int>(at % per_line) * plane;
    const int value = unit[at / per_line * kLine + byte] >> shift & ((1 << plane) - 1);
    code |= value << low;
    low += plane;
    unit += plane * kLine;
  }
  return code;
}

int code(const TableMatrix& w, int64_t row, int64_t col) {
  return code_in(panel_of(w, row / kPanel) + col / kBlock * unit_bytes(w), w.bits, row % kPanel, col % kBlock);
}

}  // namespace
}  // namespace panel16

constexpr Layout kPanel16{"panel16", panel16::panel_bytes, panel16::code};
[[maybe_unused]] static const bool kEnlisted = enlist(kPanel16);

}  // namespace tabulae
