#include "graph/tabled.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace tabulae {

namespace {

// The outputs of each group among `points`: group, its first row, how many.
template <class Body>
void each_group(const Edges& edges, const Points& points, Body body) {
  for (int64_t at = points.begin; at < points.end;) {
    const int64_t group = at / edges.rows, row = at % edges.rows;
    const int64_t rows = std::min(edges.rows - row, points.end - at);
    body(group, row, rows);
    at += rows;
  }
}

// Tables that are products: table[v][code] = weights[v] * values[code].
struct Factors {
  std::vector<int16_t> weights, values;  // by table, by code
};

bool is_small(int64_t x) { return x >= INT16_MIN && x <= INT16_MAX; }

// The values of the first table that is not all 0, without what they have in common: any other table of their kind is a
// multiple of them.
std::vector<int64_t> values_of(const Edges& edges) {
  const int32_t* end = edges.entries + edges.tables * edges.codes;
  const int32_t* found = std::find_if(edges.entries, end, [](int32_t x) { return x != 0; });
  const int64_t table = found == end ? 0 : (found - edges.entries) / edges.codes;
  const int32_t* entries = edges.entries + table * edges.codes;
  std::vector<int64_t> values(entries, entries + edges.codes);
  int64_t common = 0;
  for (const int64_t value : values) common = std::gcd(common, value);
  const auto first = std::find_if(values.begin(), values.end(), [](int64_t x) { return x != 0; });
  if (first == values.end()) return values;
  if (*first < 0) common = -common;  // most values are codes then, and no weights
  for (int64_t& value : values) value /= common;
  return values;
}

std::optional<Factors> factors_of(const Edges& edges) {
  const std::vector<int64_t> values = values_of(edges);
  const auto first = std::find_if(values.begin(), values.end(), [](int64_t x) { return x != 0; });
  const int64_t at = first == values.end() ? 0 : first - values.begin(), divisor = first == values.end() ? 1 : *first;
  if (!std::all_of(values.begin(), values.end(), is_small)) return {};
  Factors factors{{}, {values.begin(), values.end()}};
  for (int64_t table = 0; table < edges.tables; ++table) {
    const int32_t* entries = edges.entries + table * edges.codes;
    const int64_t weight = entries[at] / divisor;
    if (!is_small(weight)) return {};
    for (int64_t code = 0; code < edges.codes; ++code)
      if (entries[code] != weight * values[code]) return {};
    factors.weights.push_back(static_cast<int16_t>(weight));
  }
  return factors;
}

// A matrix of small integers: what a kernel multiplies, and how many columns it wants to be a multiple of.
template <class Value, class Weight>
class Exact final : public TabledLinear {
 public:
  using Dots = void (*)(const DotTask<Value, Weight>&);

  Exact(const Edges& edges, const Kernels& kernels, const Factors& factors, Dots dots, int64_t pairs = 1)
      : TabledLinear(edges, kernels),
        dots_(dots),
        pairs_(pairs),
        columns_(ceil_div(edges.columns, kDotColumns) * kDotColumns),
        values_(factors.values.begin(), factors.values.end()),
        one_by_one_(are_one_by_one(values_)),
        weights_(edges.outputs() * columns_) {
    for (int64_t edge = 0; edge < edges.count(); ++edge)
      weights_[edge / edges.columns * columns_ + edge % edges.columns] =
          static_cast<Weight>(factors.weights[edges.table(edge)]);
  }

  void add(const Points& points, std::vector<uint8_t>& scratch) const override {
    const int64_t groups = edges_.groups, count = points.count * groups;
    scratch.resize(count * columns_ * sizeof(Value));
    auto* x = reinterpret_cast<Value*>(scratch.data());
    for (int64_t i = 0; i < count; ++i) read(points.x + i * edges_.columns, x + i * columns_);
    each_group(edges_, points, [&](int64_t group, int64_t row, int64_t rows) {
      const int64_t at = group * edges_.rows + row;
      dots_({x + group * columns_, points.count, groups * columns_, weights_.data() + at * columns_, rows, columns_,
             points.sums + at, edges_.outputs(), pairs_});
    });
  }

 private:
  // The values of codes. Most are the codes themselves, or less by one number: these need no look-up.
  void read(const int32_t* codes, Value* x) const {
    const int32_t first = values_[0];
    if (one_by_one_)
      for (int64_t j = 0; j < edges_.columns; ++j) x[j] = static_cast<Value>(codes[j] + first);
    else
      for (int64_t j = 0; j < edges_.columns; ++j) x[j] = values_[codes[j]];
    std::fill(x + edges_.columns, x + columns_, Value{0});
  }
  static bool are_one_by_one(const std::vector<Value>& values) {
    for (size_t code = 0; code < values.size(); ++code)
      if (values[code] != values[0] + static_cast<int64_t>(code)) return false;
    return true;
  }

  const Dots dots_;
  const int64_t pairs_;              // DotTask::pairs
  const int64_t columns_;            // of a group, filled up with zeros
  const std::vector<Value> values_;  // by code
  const bool one_by_one_;            // values are consecutive
  std::vector<Weight> weights_;      // [outputs][columns_]
};

// Where values are unsigned and weights signed bytes: how many sums of two products fit 16 bits together, else 0.
int64_t pairs_of(const Factors& factors) {
  const auto [low, high] = std::minmax_element(factors.values.begin(), factors.values.end());
  const auto [least, most] = std::minmax_element(factors.weights.begin(), factors.weights.end());
  if (*low < 0 || *high > UINT8_MAX || *least < INT8_MIN || *most > INT8_MAX) return 0;
  return INT16_MAX / std::max(1, 2 * *high * std::max(-*least, +*most));
}

std::unique_ptr<const TabledLinear> make_exact(const Edges& edges, const Kernels& kernels, const Factors& factors) {
  const int64_t pairs = pairs_of(factors);
  if (kernels.dots8 && pairs)
    return std::make_unique<Exact<uint8_t, int8_t>>(edges, kernels, factors, kernels.dots8, pairs);
  return std::make_unique<Exact<int16_t, int16_t>>(edges, kernels, factors, kernels.dots16);
}

// The entries of all edges, those of one code beside each other: [groups][columns][codes][rows].
template <class T>
class Own final : public TabledLinear {
 public:
  Own(const Edges& edges, const Kernels& kernels)
      : TabledLinear(edges, kernels), entries_(edges.count() * edges.codes) {
    for (int64_t edge = 0; edge < edges.count(); ++edge) {
      const int64_t j = edge % edges.columns, row = edge / edges.columns % edges.rows;
      const int64_t group = edge / edges.columns / edges.rows;
      const int32_t* from = edges.entries + edges.table(edge) * edges.codes;
      T* to = entries_.data() + (group * edges.columns + j) * edges.codes * edges.rows + row;
      for (int64_t code = 0; code < edges.codes; ++code) to[code * edges.rows] = static_cast<T>(from[code]);
    }
  }

  void add(const Points& points, std::vector<uint8_t>&) const override {
    each_group(edges_, points, [&](int64_t group, int64_t row, int64_t rows) {
      const T* entries = entries_.data() + group * edges_.columns * edges_.codes * edges_.rows + row;
      const EntryTask<T> task{points.x + group * edges_.columns,
                              points.count,
                              edges_.inputs(),
                              edges_.columns,
                              edges_.codes,
                              entries,
                              rows,
                              edges_.rows,
                              points.sums + group * edges_.rows + row,
                              edges_.outputs()};
      if constexpr (sizeof(T) == 2)
        kernels_.add_entries16(task);
      else
        kernels_.add_entries32(task);
    });
  }

 private:
  std::vector<T> entries_;
};

// Tables that many edges share, column by column: for its code, what every table has.
class Shared final : public TabledLinear {
 public:
  Shared(const Edges& edges, const Kernels& kernels)
      : TabledLinear(edges, kernels), entries_(edges.tables * edges.codes), select_(edges.count()) {
    for (int64_t at = 0; at < edges.tables * edges.codes; ++at)
      entries_[at % edges.codes * edges.tables + at / edges.codes] = edges.entries[at];
    for (int64_t edge = 0; edge < edges.count(); ++edge) {
      const int64_t j = edge % edges.columns, output = edge / edges.columns;
      const int64_t group = output / edges.rows, row = output % edges.rows;
      select_[(group * edges.columns + j) * edges.rows + row] = edges.select[edge];
    }
  }

  void add(const Points& points, std::vector<uint8_t>&) const override {
    each_group(edges_, points, [&](int64_t group, int64_t row, int64_t rows) {
      for (int64_t i = 0; i < points.count; ++i)
        for (int64_t j = group * edges_.columns; j < (group + 1) * edges_.columns; ++j) {
          const int32_t* entries = entries_.data() + points.x[i * edges_.inputs() + j] * edges_.tables;
          const int32_t* select = select_.data() + j * edges_.rows + row;
          int32_t* sums = points.sums + i * edges_.outputs() + group * edges_.rows + row;
          for (int64_t r = 0; r < rows; ++r) sums[r] += entries[select[r]];
        }
    });
  }

 private:
  std::vector<int32_t> entries_;  // [codes][tables]
  std::vector<int32_t> select_;   // [groups][columns][rows]
};

// What edges share is written out for each of them while that stays in a cache.
constexpr int64_t kWrittenOut = int64_t{1} << 22;

}  // namespace

std::unique_ptr<const TabledLinear> make_tabled(const Edges& edges, const Kernels& kernels) {
  if (const auto factors = factors_of(edges)) return make_exact(edges, kernels, *factors);
  const bool small = std::all_of(edges.entries, edges.entries + edges.tables * edges.codes, is_small);
  const int64_t bytes = edges.count() * (small ? 2 : 4);
  if (edges.select && bytes > kWrittenOut / edges.codes) return std::make_unique<Shared>(edges, kernels);
  if (small) return std::make_unique<Own<int16_t>>(edges, kernels);
  return std::make_unique<Own<int32_t>>(edges, kernels);
}

}  // namespace tabulae
