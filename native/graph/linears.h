// What operations with table linears share: inputs become activation codes once, panels of 16 rows are the work.
#pragma once

#include <functional>

#include "graph/run.h"
#include "graph/scratch.h"

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

// The activation codes of one input, rotated first where the weight is, and what kernels prepare of them. False where
// it is not finite.
bool encode_input(const Kernels& kernels, const Weight& weight, const float* x, int64_t i, std::vector<float>& rotated,
                  const Scratch& scratch, Activations& out);

// A stage that does so with inputs for weights like this one, into run.codes; where a single position is run, every
// thread makes its own if `alone`, in worker.codes.
void add_encoding(Stages& to, const Weight& weight, const Inputs& inputs, Scratch scratch, bool alone);

// Stages for linears of the same inputs, tables or not.
void add_linears(Stages& to, const std::vector<Linear>& linears, const Inputs& inputs);

// Some panels of a table for some inputs: y(i) is where the rows of input i go, from row 0 on.
template <class Out>
void table_panels(const Kernels& kernels, bool lookup, const TableTask& task, const float* bias, Out&& y) {
  table_linear(kernels.table(task.w, lookup), task, [&](const Tile& tile) {
    for (int64_t i = 0, at = tile.first; i < tile.count; ++i, ++at)
      kernels.finish(task.w, task.x, tile.panel, at, tile.totals[i], bias, y(at));
  });
}

// One linear outside of any graph: x [n, cols] -> y [n, rows]. Throws NotFinite.
void project_table(const Weight& weight, const float* x, int64_t n, const float* bias, int threads, bool lookup,
                   const Kernels& kernels, float* y);

}  // namespace tabulae
