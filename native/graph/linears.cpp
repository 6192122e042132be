#include "graph/linears.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "core/threads.h"

namespace tabulae {

namespace {

// Of a position, for linears that run together: with batches of 64, and once a thread.
constexpr int64_t kMostScratch = int64_t{1} << 20;

struct Placed {  // a linear, and where its part begins in the scratch of an input
  Linear linear;
  int64_t scratch;
};

int64_t panels_of(const Model& model, const Linear& linear) {
  return ceil_div(model.weights()[linear.weight].rows(), kPanel);
}

// Where the codes stand that add_encoding made.
ActivationMemory& codes_of(Run& run, Worker& worker, bool alone) {
  return alone && run.n == 1 ? worker.codes : run.codes;
}

// Panels begin..end of one linear, for all inputs.
void run_panels(Run& run, Worker& worker, const Placed& placed, const Inputs& inputs, bool lookup, int64_t begin,
                int64_t end) {
  const Linear& linear = placed.linear;
  const Weight& weight = run.model.weights()[linear.weight];
  const float* bias = linear.bias == kNone ? nullptr : run.vector(linear.bias) + linear.first;
  const int64_t n = inputs.count(run);
  const auto y = [&](int64_t i) { return run.row(linear.out, i) + linear.first; };
  if (weight.is_table)
    return table_panels(run.kernels, lookup,
                        {weight.table, codes_of(run, worker, true).view(), placed.scratch, begin, end - begin, 0, n},
                        bias, y);
  run.kernels.float_linear(weight.floats, inputs.at(run, 0), weight.floats.cols, n, begin * kPanel,
                           std::min(end * kPanel, weight.floats.rows), bias, y(0),
                           run.model.values()[linear.out].width);
}

// The panels of all linears are one range of work.
void add_panels(Stages& to, std::vector<Placed> linears, const Inputs& inputs) {
  int64_t panels = 0;
  for (const Placed& placed : linears) panels += panels_of(to.model, placed.linear);
  to.add({[inputs, panels](Run& run) { return Work{inputs.count(run) ? panels : 0}; },
          [linears = std::move(linears), inputs, lookup = to.lookup](Run& run, Worker& worker, int64_t begin,
                                                                     int64_t end) {
            int64_t base = 0;
            for (const Placed& placed : linears) {
              const int64_t own = panels_of(run.model, placed.linear);
              const int64_t from = std::max(begin - base, int64_t{0}), until = std::min(end - base, own);
              if (from < until) run_panels(run, worker, placed, inputs, lookup, from, until);
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

bool encode_input(const Kernels& kernels, const Weight& weight, const float* x, int64_t i, std::vector<float>& rotated,
                  const Scratch& scratch, Activations& out) {
  if (!weight.rotation.empty()) {
    rotated.assign(x, x + weight.cols());
    weight.rotation.apply(rotated.data());
    x = rotated.data();
  }
  if (!kernels.encode(x, i, weight.table.exponents, out)) return false;
  scratch.prepare(out, i);
  return true;
}

void add_encoding(Stages& to, const Weight& weight, const Inputs& inputs, Scratch scratch, bool alone) {
  const int64_t cols = weight.cols();
  to.add({[inputs, cols, alone, bytes = scratch.bytes()](Run& run) {
            const int64_t n = inputs.count(run);
            if (!alone || run.n > 1) run.codes.resize(n, cols, bytes);
            return Work{n, 4};
          },
          [&weight, inputs, cols, alone, scratch = std::move(scratch)](Run& run, Worker& worker, int64_t begin,
                                                                       int64_t end) {
            ActivationMemory& codes = codes_of(run, worker, alone);
            if (&codes == &worker.codes) codes.resize(end, cols, scratch.bytes());
            for (int64_t i = begin; i < end; ++i)
              if (!encode_input(run.kernels, weight, inputs.at(run, i), i, worker.scratch, scratch, codes.view()))
                run.finite = false;
          },
          [alone](const Run& run) { return alone && run.n == 1; }});
}

void add_linears(Stages& to, const std::vector<Linear>& linears, const Inputs& inputs) {
  const Weight* encoded = nullptr;
  Scratch scratch(to.kernels, to.lookup);
  std::vector<Placed> placed;
  const auto add = [&] {
    if (encoded) add_encoding(to, *encoded, inputs, std::exchange(scratch, Scratch(to.kernels, to.lookup)), true);
    add_panels(to, std::exchange(placed, {}), inputs);
  };
  for (const Linear& linear : linears) {
    const Weight& weight = to.model.weights()[linear.weight];
    if (weight.is_table) {
      if (!placed.empty() && scratch.with({&weight.table}) > kMostScratch) add();
      encoded = &weight;
    }
    placed.push_back({linear, weight.is_table ? scratch.add({&weight.table}) : 0});
  }
  add();
}

void project_table(const Weight& weight, const float* x, int64_t n, const float* bias, int threads, bool lookup,
                   const Kernels& kernels, float* y) {
  const FloatMode mode;
  Threads pool(threads);
  Scratch scratch(kernels, lookup);
  const int64_t place = scratch.add({&weight.table});
  ActivationMemory memory;
  memory.resize(n, weight.cols(), scratch.bytes());
  Activations& codes = memory.view();
  std::atomic<bool> finite{true};
  pool.run(n, 4, [&](int, int64_t begin, int64_t end) {
    std::vector<float> rotated;
    for (int64_t i = begin; i < end; ++i)
      if (!encode_input(kernels, weight, x + i * weight.cols(), i, rotated, scratch, codes)) finite = false;
  });
  if (!finite) throw NotFinite("[run] inputs of a linear must be finite, but got NaN or infinity");
  pool.run(weight.table.panels(), 1, [&](int, int64_t begin, int64_t end) {
    table_panels(kernels, lookup, {weight.table, codes, place, begin, end - begin, 0, n}, bias,
                 [&](int64_t i) { return y + i * weight.rows(); });
  });
}

}  // namespace tabulae
