// Byte orders of a matrix's codes. Panels of 16 rows follow one another in all of them; what lies inside a panel is
// known to a layout's own file (layouts/NAME.cpp) and to its kernels.
#pragma once

#include <string>
#include <vector>

#include "core/types.h"

namespace tabulae {

struct Layout {
  const char* name;
  int64_t (*panel_bytes)(const TableMatrix&);
  int (*code)(const TableMatrix&, int64_t row, int64_t col);  // one, straight from the definition (docs/format.md)
};

bool enlist(const Layout&);  // as the core is loaded
std::vector<std::string> known_layouts();
const Layout& find_layout(const std::string& name);  // throws std::invalid_argument

}  // namespace tabulae
