#include "graph/plain_read.h"

#include <algorithm>

#include "core/layouts.h"
#include "graph/engine.h"

namespace tabulae {

void Reader::panel(const Weight& weight, int64_t panel) {
  const int64_t first = panel * kPanel, last = std::min(first + kPanel, weight.rows());
  if (!weight.is_table) return read(weight.floats.data + first * weight.cols(), (last - first) * weight.cols());
  const TableMatrix& m = weight.table;
  const int64_t bytes = m.layout->panel_bytes(m);
  read(m.codes + panel * bytes, bytes);
  if (m.multipliers) read(m.multipliers + panel * m.groups() * kPanel, m.groups() * kPanel);
  if (!m.one_scale) read(m.scales + first, last - first);
  if (!m.outlier_offsets) return;
  const auto begin = m.outlier_offsets[first], end = m.outlier_offsets[last];
  read(m.outlier_offsets + first, last - first);
  read(m.outlier_columns + begin, end - begin);
  read(m.outlier_values + begin, end - begin);
}

void Reads::share(int64_t items, const std::function<void(int64_t i, Reader&)>& read) {
  threads_.run(items, 1, [&](int, int64_t begin, int64_t end) {
    Reader reader;
    for (int64_t i = begin; i < end; ++i) read(i, reader);
    bytes += reader.bytes, sum_ ^= reader.sum;
  });
}

void Reads::panels(const std::vector<int>& weights) {
  std::vector<std::pair<const Weight*, int64_t>> panels;
  for (const int index : weights) {
    const Weight& weight = model.weights()[index];
    for (int64_t panel = 0; panel * kPanel < weight.rows(); ++panel) panels.emplace_back(&weight, panel);
  }
  share(static_cast<int64_t>(panels.size()),
        [&](int64_t i, Reader& reader) { reader.panel(*panels[i].first, panels[i].second); });
}

int64_t Engine::read_plainly(Sequence& sequence, int64_t cached) {
  const Turn turn(running_);
  Reads reads(model_, sequence, threads_, cached);
  for (const auto& operation : model_.operations()) operation->read(reads);
  return reads.bytes;
}

}  // namespace tabulae
