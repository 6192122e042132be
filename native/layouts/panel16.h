// Layout panel16 (docs/format.md): a panel is a stream of units of 16 rows x 32 columns, a unit one plane of bits after
// another, a line of a plane 8 rows x 8 columns.
#pragma once

#include "core/layouts.h"

namespace tabulae {

extern const Layout kPanel16;

namespace panel16 {

inline constexpr int64_t kLine = 64;  // bytes

TABULAE_INLINE int64_t unit_bytes(const TableMatrix& w) { return kLine * w.bits; }
TABULAE_INLINE const uint8_t* panel_of(const TableMatrix& w, int64_t panel) {
  return w.codes + panel * w.blocks() * unit_bytes(w);
}

}  // namespace panel16
}  // namespace tabulae
