// An ISA of the tests alone, which no machine would take by itself: the plain kernels, but for look-ups that prepare
// inputs. Beside the codes stand the products of each with all codepoints, [columns][2^bits], and sums are read from
// them.
#pragma once

#include "core/kernels.h"
#include "core/layouts.h"

namespace tabulae::prepared {

inline int64_t codepoints(const TableMatrix& w) { return int64_t{1} << w.bits; }

constexpr int64_t kPadding = 400'000;  // two codebooks of one input fit what it may have, and three do not

inline Request request(const TableMatrix& w) {
  return {w.blocks() * kBlock * codepoints(w) * static_cast<int64_t>(sizeof(int32_t)) + kPadding, w.products.nibbles};
}

inline void prepare(const TableMatrix& w, const Activations& x, int64_t position, uint8_t* scratch) {
  auto* products = reinterpret_cast<int32_t*>(scratch);
  for (int64_t column = 0; column < x.blocks * kBlock; ++column)
    for (int64_t code = 0; code < codepoints(w); ++code) *products++ = w.codebook[code] * x.row(position)[column];
}

inline int64_t total(const TableTask& t, int64_t row, int64_t position) {
  const auto* products = reinterpret_cast<const int32_t*>(t.prepared(position));
  const int8_t* m = t.w.multipliers;
  int64_t sum = 0;
  for (int64_t column = 0; column < t.w.cols; ++column) {
    const int64_t block = column / kBlock, group = row / kPanel * t.w.groups() + block / t.w.group;
    const int64_t product = products[column * codepoints(t.w) + t.w.layout->code(t.w, row, column)];
    sum += (product << t.x.exponents[position * t.x.blocks + block]) * (m ? m[group * kPanel + row % kPanel] : 1);
  }
  if (t.w.outlier_offsets)
    for (uint32_t k = t.w.outlier_offsets[row]; k < t.w.outlier_offsets[row + 1]; ++k) {
      const int64_t column = t.w.outlier_columns[k], at = position * t.x.blocks + column / kBlock;
      sum += (int64_t{t.w.outlier_values[k]} * t.x.row(position)[column]) << t.x.exponents[at];
    }
  return sum;
}

inline void panels(const TableTask& t) {
  for (int64_t panel = t.panel; panel < t.panel + t.panels; ++panel)
    for (int64_t position = t.first; position < t.first + t.count; ++position) {
      int64_t totals[1][kPanel] = {};
      for (int64_t row = 0; row < least(kPanel, t.w.rows - panel * kPanel); ++row)
        totals[0][row] = total(t, panel * kPanel + row, position);
      t.take(t.taker, {panel, position, 1, totals});
    }
}

// To be called once, before engines are made.
inline void enlist_it() {
  static Kernels kernels = select("generic");
  kernels.isa = "prepared";
  for (TableKernels& table : kernels.tables)
    if (table.layout) table.lookup = {.panels = panels, .request = request, .prepare = prepare};
  enlist({-1, &kernels, [] { return true; }});
}

}  // namespace tabulae::prepared
