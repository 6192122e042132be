// What operations with table linears share: inputs become activation codes once, panels of 16 rows are the work.
#pragma once

#include <functional>

#include "graph/run.h"

namespace tabulae {

struct Linear {  // writes the columns of `out` from `first` on, as many as the weight has rows; bias is of all columns
  int weight, bias, out;
  int64_t first;
};

// The inputs of a linear: how many, and where each lies.
struct Inputs {
  std::function<int64_t(Run&)> count;
  std::function<const float*(Run&, int64_t i)> at;
};

// Refuses a weight that cannot share the activation codes of `first`, the first table of its input.
void must_share_codes(const Weight& weight, const Weight*& first);

// The activation codes of one input, rotated first where the weight is. False where it is not finite.
bool encode_input(const Kernels& kernels, const Weight& weight, const float* x, int64_t i, std::vector<float>& scratch,
                  Activations& out);

// Stages that make the activation codes of inputs for weights like this one; where a single position is run, every
// thread makes its own if `alone`.
void add_encoding(Stages& to, const Weight& weight, const Inputs& inputs, bool alone);

// A stage that makes the product tables which `lookup` kernels of some ISAs read; weight(run, i) is the i-th input's.
void add_tables(Stages& to, std::function<const TableMatrix*(Run&, int64_t i)> weight);
bool needs_tables(const Stages& to, const Weight& weight);

// Stages for linears of the same inputs, tables or not.
void add_linears(Stages& to, const std::vector<Linear>& linears, const Inputs& inputs);

// Where the codes stand that add_encoding made.
inline ActivationMemory& codes_of(Run& run, Worker& worker, bool alone) {
  return alone && run.n == 1 ? worker.codes : run.codes;
}

// Rows of panels begin..end of a table for inputs first..last: y(i) is where the rows of input i go, from row 0 on.
template <class Out>
void table_panels(const Kernels& kernels, const TableMatrix& matrix, const Activations& x, const float* bias,
                  bool lookup, int64_t begin, int64_t end, int64_t first, int64_t last, Out&& y) {
  table_linear(kernels, lookup, matrix, x, begin, end - begin, first, last - first, [&](const Tile& tile) {
    for (int64_t i = 0, at = tile.first; i < tile.count; ++i, ++at)
      kernels.finish(matrix, x, tile.panel, at, tile.totals[i], bias, y(at));
  });
}

// One linear outside of any graph: x [n, cols] -> y [n, rows]. Throws NotFinite.
void project_table(const Weight& weight, const float* x, int64_t n, const float* bias, int threads, bool lookup,
                   const Kernels& kernels, float* y);

}  // namespace tabulae
