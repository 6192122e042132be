#include "graph/linears.h"

#include <algorithm>
#include <atomic>

#include "core/threads.h"

namespace tabulae {

namespace {

int64_t panels_of(const Model& model, const Linear& linear) {
  return ceil_div(model.weights()[linear.weight].rows(), kPanel);
}

// Panels begin..end of one linear, for all inputs.
void run_panels(Run& run, Worker& worker, const Linear& linear, const Inputs& inputs, bool lookup, bool alone,
                int64_t begin, int64_t end) {
  const Weight& weight = run.model.weights()[linear.weight];
  const float* bias = linear.bias == kNone ? nullptr : run.vector(linear.bias) + linear.first;
  const int64_t n = inputs.count(run);
  const auto y = [&](int64_t i) { return run.row(linear.out, i) + linear.first; };
  if (weight.is_table)
    return table_panels(run.kernels, weight.table, codes_of(run, worker, alone).view(), bias, lookup, begin, end, 0, n,
                        y);
  run.kernels.float_linear(weight.floats, inputs.at(run, 0), weight.floats.cols, n, begin * kPanel,
                           std::min(end * kPanel, weight.floats.rows), bias, y(0),
                           run.model.values()[linear.out].width);
}

// The panels of linears that can run together are one range of work.
void add_panels(Stages& to, std::vector<Linear> linears, const Inputs& inputs, bool alone) {
  int64_t panels = 0;
  for (const Linear& linear : linears) panels += panels_of(to.model, linear);
  to.add({[inputs, panels](Run& run) { return Work{inputs.count(run) ? panels : 0}; },
          [linears = std::move(linears), inputs, alone, lookup = to.lookup](Run& run, Worker& worker, int64_t begin,
                                                                            int64_t end) {
            int64_t base = 0;
            for (const Linear& linear : linears) {
              const int64_t own = panels_of(run.model, linear);
              const int64_t from = std::max(begin - base, int64_t{0}), until = std::min(end - base, own);
              if (from < until) run_panels(run, worker, linear, inputs, lookup, alone, from, until);
              base += own;
            }
          }});
}

}  // namespace

void must_share_codes(const Weight& weight, const Weight*& first) {
  if (!weight.is_table) return;
  require(!first || (weight.table.exponents == first->table.exponents && weight.rotation == first->rotation), "project",
          "linears of one input must share its activation codes");
  first = &weight;
}

bool encode_input(const Kernels& kernels, const Weight& weight, const float* x, int64_t i, std::vector<float>& scratch,
                  Activations& out) {
  if (!weight.rotation.empty()) {
    scratch.assign(x, x + weight.cols());
    weight.rotation.apply(scratch.data());
    x = scratch.data();
  }
  return kernels.encode(x, i, weight.table.exponents, out);
}

void add_encoding(Stages& to, const Weight& weight, const Inputs& inputs, bool alone) {
  const int64_t cols = weight.cols();
  to.add({[inputs, cols, alone](Run& run) {
            const int64_t n = inputs.count(run);
            if (!alone || run.n > 1) run.codes.resize(n, cols);
            return Work{n, 4};
          },
          [&weight, inputs, cols, alone](Run& run, Worker& worker, int64_t begin, int64_t end) {
            ActivationMemory& codes = codes_of(run, worker, alone);
            if (&codes == &worker.codes) codes.resize(end, cols);
            for (int64_t i = begin; i < end; ++i) {
              const float* x = inputs.at(run, i);
              if (!encode_input(run.kernels, weight, x, i, worker.scratch, codes.view())) run.finite = false;
            }
          },
          [alone](const Run& run) { return alone && run.n == 1; }});
}

bool needs_tables(const Stages& to, const Weight& weight) {
  return to.lookup && weight.is_table && to.kernels.needs_tables(weight.table);
}

void add_tables(Stages& to, std::function<const TableMatrix*(Run&, int64_t i)> weight) {
  to.add({[](Run& run) {
            run.codes.resize_tables();
            return Work{run.codes.view().n, 4};
          },
          [weight = std::move(weight)](Run& run, Worker&, int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i)
              if (const TableMatrix* matrix = weight(run, i)) run.kernels.prepare(*matrix, i, run.codes.view());
          }});
}

void add_linears(Stages& to, const std::vector<Linear>& linears, const Inputs& inputs) {
  const auto weight = [&](const Linear& linear) -> const Weight& { return to.model.weights()[linear.weight]; };
  const auto table = std::find_if(linears.begin(), linears.end(), [&](auto& one) { return weight(one).is_table; });
  const bool separate =
      std::any_of(linears.begin(), linears.end(), [&](auto& one) { return needs_tables(to, weight(one)); });
  if (table != linears.end()) add_encoding(to, weight(*table), inputs, !separate);
  if (!separate) return add_panels(to, linears, inputs, true);
  const int32_t* prepared = nullptr;  // product tables are made anew where the codebook changes
  for (const Linear& linear : linears) {
    const TableMatrix* matrix = &weight(linear).table;
    if (needs_tables(to, weight(linear)) && prepared != matrix->products.nibbles) {
      add_tables(to, [matrix](Run&, int64_t) { return matrix; });
      prepared = matrix->products.nibbles;
    }
    add_panels(to, {linear}, inputs, false);
  }
}

void project_table(const Weight& weight, const float* x, int64_t n, const float* bias, int threads, bool lookup,
                   const Kernels& kernels, float* y) {
  const FloatMode mode;
  Threads pool(threads);
  ActivationMemory memory;
  memory.resize(n, weight.cols());
  const bool tables = lookup && kernels.needs_tables(weight.table);
  if (tables) memory.resize_tables();
  Activations& codes = memory.view();
  std::atomic<bool> finite{true};
  pool.run(n, 4, [&](int, int64_t begin, int64_t end) {
    std::vector<float> scratch;
    for (int64_t i = begin; i < end; ++i) {
      if (!encode_input(kernels, weight, x + i * weight.cols(), i, scratch, codes)) finite = false;
      if (tables) kernels.prepare(weight.table, i, codes);
    }
  });
  if (!finite) throw NotFinite("[run] inputs of a linear must be finite, but got NaN or infinity");
  pool.run(weight.table.panels(), 1, [&](int, int64_t begin, int64_t end) {
    table_panels(kernels, weight.table, codes, bias, lookup, begin, end, 0, n,
                 [&](int64_t i) { return y + i * weight.rows(); });
  });
}

}  // namespace tabulae
