// The yardstick of every speed figure: the bytes that decoding a token reads, read and nothing else, by the same
// threads in the same ranges, with one meeting of them for every operation.
#include <algorithm>
#include <atomic>

#include "core/memory.h"
#include "decoder/executor.h"

namespace tabulae {

namespace {

struct Reader {
  int64_t bytes = 0;
  uint64_t sum = 0;

  template <class T>
  void read(const T* data, int64_t count) {
    const size_t size = static_cast<size_t>(count) * sizeof(T);
    sum ^= read_memory(data, size), bytes += static_cast<int64_t>(size);
  }

  // 16 rows of a linear, with all that belongs to them.
  void panel(const Weight& weight, int64_t panel) {
    const int64_t first = panel * kPanel, last = std::min(first + kPanel, weight.rows());
    if (!weight.is_table) return read(weight.floats.data + first * weight.cols(), (last - first) * weight.cols());
    const TableMatrix& m = weight.table;
    read(m.panel(panel), m.blocks() * m.unit());
    if (m.multipliers) read(m.multipliers + panel * m.groups() * kPanel, m.groups() * kPanel);
    if (!m.one_scale) read(m.scales + first, last - first);
    if (!m.outlier_offsets) return;
    const auto begin = m.outlier_offsets[first], end = m.outlier_offsets[last];
    read(m.outlier_offsets + first, last - first);
    read(m.outlier_columns + begin, end - begin);
    read(m.outlier_values + begin, end - begin);
  }
};

}  // namespace

int64_t Executor::read_plainly(int64_t cached) {
  const Turn turn(running_);
  std::atomic<int64_t> bytes{0};
  std::atomic<uint64_t> sum{0};
  const auto share = [&](int64_t items, auto&& read) {
    threads_.run(items, 1, [&](int64_t begin, int64_t end) {
      Reader reader;
      for (int64_t i = begin; i < end; ++i) read(i, reader);
      bytes += reader.bytes, sum ^= reader.sum;
    });
  };
  for (const Operation& operation : model_.operations()) {
    if (const auto* op = std::get_if<Project>(&operation)) {
      std::vector<std::pair<const Weight*, int64_t>> panels;
      for (const Linear& linear : op->linears) {
        const Weight& weight = model_.weights()[linear.weight];
        for (int64_t panel = 0; panel * kPanel < weight.rows(); ++panel) panels.emplace_back(&weight, panel);
      }
      share(static_cast<int64_t>(panels.size()),
            [&](int64_t i, Reader& reader) { reader.panel(*panels[i].first, panels[i].second); });
    } else if (const auto* op = std::get_if<Attention>(&operation)) {
      const Cache& cache = caches_[op->layer];
      const int64_t count = op->window ? std::min(cached, op->window) : cached;
      share(op->kv_heads, [&](int64_t kv, Reader& reader) {
        const int64_t first = (kv * context_ + cached - count) * op->head;
        reader.read(cache.keys.get() + first, count * op->head);
        reader.read(cache.values.get() + first, count * op->head);
      });
    }
  }
  return bytes;
}

}  // namespace tabulae
