#include "decoder/executor.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace tabulae {

struct Executor::Run {
  const int32_t* tokens;
  int64_t n;       // positions of this batch
  int64_t start;   // absolute position of the first
  int64_t wanted;  // the first whose logits are asked for
  int64_t active;  // rows that operations run on: n, after Select n - wanted
};

Executor::Executor(const Model& model, int64_t context, int threads, Arithmetic arithmetic, const Kernels& kernels)
    : model_(model), context_(context), arithmetic_(arithmetic), kernels_(kernels), threads_(threads) {
  for (const int64_t width : model.buffers()) buffers_.emplace_back(kBatch * width);
  const auto cache = [&](int64_t width) {
    // calloc: pages that no position has reached cost nothing
    auto* memory = static_cast<float*>(std::calloc(static_cast<size_t>(context) * width, sizeof(float)));
    if (!memory) throw std::bad_alloc();
    return std::unique_ptr<float[], void (*)(void*)>(memory, std::free);
  };
  for (const int64_t width : model.cache_widths()) caches_.push_back({cache(width), cache(width)});
  for (const Weight& weight : model.weights())
    panel_kernels_.push_back(!weight.is_table                      ? nullptr
                             : arithmetic == Arithmetic::kMultiply ? kernels.multiply(weight.table)
                                                                   : kernels.lookup(weight.table));
  taps_.resize(model.weights().size());
}

Executor::Turn::Turn(std::atomic<int>& running) : running_(running) {
  int seen = running_.load();
  const int mine = forks() + 1;
  if (seen == mine || !running_.compare_exchange_strong(seen, mine))
    throw Busy("[session] one call must end before the next begins");
}

void Executor::tap(int weight, Tap callback) {
  const Turn turn(running_);
  taps_.at(weight).swap(callback);
}

void Executor::forward(const int32_t* tokens, int64_t n, int64_t start, int64_t wanted, float* logits) {
  const Turn turn(running_);
  const FloatMode mode;
  Run run{tokens, n, start, wanted, n};
  turns_.clear();
  for (const Operation& operation : model_.operations()) {
    if (run.active == 0) break;
    std::visit([&](const auto& op) { this->run(op, run); }, operation);
  }
  if (wanted < n) std::memcpy(logits, row(model_.logits(), 0), (n - wanted) * model_.vocabulary() * sizeof(float));
}

// Small work stays on the calling thread: waking another one costs more than a row.
template <class Body>
void Executor::each_position(Run& run, Body&& body) {
  threads_.run(run.active, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

void Executor::embed_row(const Weight& weight, int64_t index, float* out) const {
  if (!weight.is_table) {
    std::memcpy(out, weight.floats.data + index * weight.floats.cols, weight.floats.cols * sizeof(float));
    return;
  }
  const TableMatrix& m = weight.table;
  const float scale = m.scale(index);
  for (int64_t j = 0; j < m.cols; ++j) out[j] = static_cast<float>(m.integer(index, j)) * scale;
  if (!m.outlier_offsets) return;
  for (uint32_t k = m.outlier_offsets[index]; k < m.outlier_offsets[index + 1]; ++k) {
    const int64_t j = m.outlier_columns[k];
    out[j] = static_cast<float>(int64_t{m.integer(index, j)} + m.outlier_values[k]) * scale;
  }
}

void Executor::run(const Embed& op, Run& run) {
  const Weight& weight = model_.weights()[op.weight];
  each_position(run, [&](int64_t i) {
    const int64_t index = run.tokens[i] - op.first;
    if (index < 0 || index >= weight.rows()) return;  // another band's
    float* out = row(op.out, i);
    embed_row(weight, index, out);
    if (op.scale != 1.0f)
      for (int64_t j = 0; j < weight.cols(); ++j) out[j] *= op.scale;
  });
}

void Executor::run(const EmbedPosition& op, Run& run) {
  const Weight& weight = model_.weights()[op.weight];
  each_position(run, [&](int64_t i) {
    std::vector<float> learned(weight.cols());
    embed_row(weight, run.start + i + op.offset, learned.data());
    kernels_.add(row(op.buffer, i), learned.data(), weight.cols(), row(op.buffer, i));
  });
}

void Executor::run(const RmsNorm& op, Run& run) {
  const int64_t n = model_.weights()[op.weight].cols(), width = model_.buffers()[op.input];
  each_position(run, [&](int64_t i) {
    for (int64_t j = 0; j < width; j += n)
      kernels_.rms_norm(row(op.input, i) + j, vector(op.weight), n, op.eps, row(op.out, i) + j);
  });
}

void Executor::run(const LayerNorm& op, Run& run) {
  each_position(run, [&](int64_t i) {
    kernels_.layer_norm(row(op.input, i), vector(op.weight), vector(op.bias), model_.buffers()[op.input], op.eps,
                        row(op.out, i));
  });
}

void Executor::run(const Project& op, Run& run) {
  const float* x = row(op.input, 0);
  const int64_t width = model_.buffers()[op.input];
  const auto tapped = [&](const Linear& linear) { return static_cast<bool>(taps_[linear.weight]); };
  if (std::none_of(op.linears.begin(), op.linears.end(), tapped))
    return linears(op.linears.data(), static_cast<int64_t>(op.linears.size()), x, run.active);
  for (const Linear& linear : op.linears) {
    std::vector<float> copy(x, x + run.active * width);
    if (tapped(linear)) taps_[linear.weight](linear.weight, copy.data(), run.active, width);
    linears(&linear, 1, copy.data(), run.active);
  }
}

void Executor::encode(const Weight& weight, const float* x, int64_t n) {
  const int64_t cols = weight.cols();
  if (!weight.rotation.empty()) {
    rotated_.assign(x, x + n * cols);
    threads_.run(n, 4, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) weight.rotation.apply(rotated_.data() + i * cols);
    });
    x = rotated_.data();
  }
  memory_.resize(n, cols);
  prepared_ = nullptr;
  std::atomic<bool> finite{true};
  threads_.run(n, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (!kernels_.encode(x + i * cols, i, weight.table.exponents, activations_)) finite = false;
  });
  if (!finite) throw NotFinite("[run] inputs of a linear must be finite, but got NaN or infinity");
}

// Lookup kernels with per-position tables: made anew where the codebook changes.
void Executor::prepare(const TableMatrix& matrix, int64_t n) {
  if (prepared_ == matrix.products.nibbles) return;
  prepared_ = matrix.products.nibbles;
  memory_.resize_tables();
  threads_.run(n, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) kernels_.prepare(matrix, i, activations_);
  });
}

void Executor::table_panels(const Linear& linear, int64_t begin, int64_t end, int64_t n) {
  const TableMatrix& matrix = model_.weights()[linear.weight].table;
  const PanelKernel kernel = panel_kernels_[linear.weight];
  int64_t totals[kTile][kPanel];
  for (int64_t panel = begin; panel < end; ++panel)
    for (int64_t first = 0; first < n; first += kTile) {
      const int64_t count = std::min(kTile, n - first);
      kernel(matrix, activations_, panel, first, count, totals);
      if (matrix.outlier_offsets)
        kernels_.add_outliers[arithmetic_ == Arithmetic::kLookup](matrix, activations_, panel, first, count, totals);
      kernels_.finish(matrix, activations_, panel, first, count, totals, bias(linear), out(linear),
                      model_.buffers()[linear.out]);
    }
}

// All linears of one input; the panels of those that can run together are one range of work.
void Executor::linears(const Linear* linear, int64_t count, const float* x, int64_t n) {
  const auto weight = [&](int64_t i) -> const Weight& { return model_.weights()[linear[i].weight]; };
  const auto run_range = [&](int64_t i, int64_t begin, int64_t end) {
    const Weight& w = weight(i);
    if (w.is_table) return table_panels(linear[i], begin, end, n);
    kernels_.float_linear(w.floats, x, w.floats.cols, n, begin * kPanel, std::min(end * kPanel, w.floats.rows),
                          bias(linear[i]), out(linear[i]), model_.buffers()[linear[i].out]);
  };
  bool encoded = false, separate = false;
  for (int64_t i = 0; i < count; ++i) {
    if (!weight(i).is_table) continue;
    if (!encoded) encode(weight(i), x, n);
    encoded = true;
    separate |= arithmetic_ == Arithmetic::kLookup && kernels_.needs_tables(weight(i).table);
  }
  for (int64_t i = 0; i < count;) {
    if (separate && weight(i).is_table && kernels_.needs_tables(weight(i).table)) prepare(weight(i).table, n);
    const int64_t together = separate ? i + 1 : count;
    int64_t panels = 0;
    for (int64_t k = i; k < together; ++k) panels += ceil_div(weight(k).rows(), kPanel);
    threads_.run(panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t k = i, base = 0; k < together; ++k) {
        const int64_t own = ceil_div(weight(k).rows(), kPanel);
        const int64_t from = std::max(begin - base, int64_t{0}), to = std::min(end - base, own);
        if (from < to) run_range(k, from, to);
        base += own;
      }
    });
    i = together;
  }
}

const Executor::Turns& Executor::turns(const Rotary& op, const Run& run) {
  const int inv_freq = op.long_freq != kNone && context_ > op.original ? op.long_freq : op.inv_freq;
  for (const Turns& known : turns_)
    if (known.inv_freq == inv_freq && known.scale == op.scale) return known;
  const int64_t half = model_.weights()[inv_freq].cols();
  std::vector<float> angles(run.n * half);
  for (int64_t i = 0; i < run.n; ++i)
    for (int64_t j = 0; j < half; ++j) angles[i * half + j] = static_cast<float>(run.start + i) * vector(inv_freq)[j];
  Turns made{inv_freq, op.scale, std::vector<float>(angles.size()), std::vector<float>(angles.size())};
  kernels_.sine(angles.data(), static_cast<int64_t>(angles.size()), made.cosines.data(), made.sines.data());
  for (float& cosine : made.cosines) cosine *= op.scale;
  for (float& sine : made.sines) sine *= op.scale;
  return turns_.emplace_back(std::move(made));
}

void Executor::run(const Rotary& op, Run& run) {
  const Turns& turn = turns(op, run);
  const int64_t half = model_.weights()[op.inv_freq].cols(), width = model_.buffers()[op.buffer];
  each_position(run, [&](int64_t i) {
    for (int64_t head = 0; head < width; head += op.head)
      kernels_.rotary(row(op.buffer, i) + head, turn.cosines.data() + i * half, turn.sines.data() + i * half, half);
  });
}

void Executor::run(const Attention& op, Run& run) {
  const Cache& cache = caches_[op.layer];
  const auto at = [&](int64_t kv, int64_t position) { return (kv * context_ + position) * op.head; };
  for (int64_t i = 0; i < run.n; ++i)
    for (int64_t kv = 0; kv < op.kv_heads; ++kv) {
      std::memcpy(cache.keys.get() + at(kv, run.start + i), row(op.k, i) + kv * op.head, op.head * sizeof(float));
      std::memcpy(cache.values.get() + at(kv, run.start + i), row(op.v, i) + kv * op.head, op.head * sizeof(float));
    }
  const int64_t grain = run.start + run.n < 128 && run.n == 1 ? op.heads : 1;
  threads_.run(run.n * op.heads, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(run.start + run.n + 2 * 16);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i = task / op.heads, head = task % op.heads, kv = head / (op.heads / op.kv_heads);
      const int64_t last = run.start + i, first = op.window ? std::max(int64_t{0}, last - op.window + 1) : 0;
      kernels_.attention({.q = row(op.q, i) + head * op.head,
                          .keys = cache.keys.get() + at(kv, 0),
                          .values = cache.values.get() + at(kv, 0),
                          .scores = scores.data(),
                          .out = row(op.out, i) + head * op.head,
                          .first = first,
                          .last = last,
                          .head = op.head,
                          .scale = op.scale,
                          .slope = op.slopes == kNone ? nullptr : vector(op.slopes) + head});
    }
  });
}

void Executor::run(const Activate& op, Run& run) {
  const int64_t width = model_.buffers()[op.out];
  each_position(run, [&](int64_t i) {
    const float* up = op.up == kNone ? nullptr : row(op.up, i);
    float* out = row(op.out, i);
    if (op.order.empty()) return kernels_.activate(op.function, row(op.input, i), up, width, out);
    thread_local std::vector<float> results;
    results.resize(width);
    kernels_.activate(op.function, row(op.input, i), up, width, results.data());
    for (int64_t j = 0; j < width; ++j) out[j] = results[op.order[j]];
  });
}

void Executor::run(const Add& op, Run& run) {
  each_position(run,
                [&](int64_t i) { kernels_.add(row(op.a, i), row(op.b, i), model_.buffers()[op.out], row(op.out, i)); });
}

void Executor::run(const SoftCap& op, Run& run) {
  each_position(run, [&](int64_t i) { kernels_.soft_cap(row(op.buffer, i), op.cap, model_.buffers()[op.buffer]); });
}

void Executor::run(const Select& op, Run& run) {
  run.active = run.n - run.wanted;
  for (int64_t i = 0; i < run.active; ++i)
    std::memmove(row(op.out, i), row(op.input, run.wanted + i), model_.buffers()[op.out] * sizeof(float));
}

}  // namespace tabulae
