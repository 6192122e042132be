// A graph and its weights, checked once: what is in a Model is safe to run, whatever file it came from.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "core/kernels.h"
#include "core/rotation.h"
#include "core/types.h"
#include "graph/operation.h"

namespace tabulae {

// Which positions of a run a value has.
enum class Axis { kPositions, kWanted };

inline constexpr int64_t kAny = 0;  // the length of an axis that may have any

using Interval = std::tuple<bool, int64_t, int64_t>;  // integers or not, low, high

struct Value {
  Axis axis;
  std::vector<int64_t> shape;  // of one position; the last axis is that of channels
  bool integers;               // int32 in low..high, else float32
  int64_t low, high;
  int buffer;         // values of one number stand in the same memory: of one type, never two needed at the same time
  int64_t width = 1;  // numbers of one position; the Model fills it in
  int64_t channels() const { return shape.empty() ? 1 : shape.back(); }
  int64_t places() const { return width / channels(); }  // all axes but the last
  Interval interval() const { return {integers, low, high}; }
  int64_t bytes() const { return width * (integers ? sizeof(int32_t) : sizeof(float)); }  // of one position
};

// Stored integers that an operation reads. They are copied: files may be written into while they are mapped.
struct Array {
  std::vector<int64_t> shape;
  std::vector<int32_t> numbers;
};

struct State {
  int64_t width;
  bool per_position;  // an array for every position, else one
};

struct Outliers {  // of one table matrix, row by row
  std::vector<uint32_t> offsets;
  std::vector<uint16_t> columns;
  std::vector<int32_t> values;
};

struct ProductTables;  // one for all tensors of the same codebook

// A matrix, and what it points to beside the arrays of the caller: moved, never copied.
struct Weight {
  Weight() = default;
  Weight(Weight&&) = default;

  bool is_table = false;
  FloatMatrix floats;  // vectors: one row
  TableMatrix table;
  Outliers outliers;
  std::shared_ptr<const ProductTables> products;
  Rotation rotation;  // of its input; empty: none
  int64_t rows() const { return is_table ? table.rows : floats.rows; }
  int64_t cols() const { return is_table ? table.cols : floats.cols; }
  void row(int64_t index, float* out) const;  // of an embedding: m c + o, times the scale
};

class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  int add(const FloatMatrix& matrix);
  int add(const TableMatrix& matrix, Outliers outliers, Rotation rotation);
  int add(Value value);
  int add(Array array);
  int add(const State& state);
  void push(const std::string& tag, const Fields& fields);  // throws std::invalid_argument where shapes do not fit

  const std::vector<Weight>& weights() const { return weights_; }
  const std::vector<Value>& values() const { return values_; }
  const std::vector<State>& states() const { return states_; }
  const std::vector<std::unique_ptr<Operation>>& operations() const { return operations_; }
  int64_t positions() const { return positions_; }  // that can be run at all

  // For the checks of operations: each throws where an index leads nowhere or a shape does not fit.
  const Weight& weight(int index) const;
  const Value& value(int index) const;
  const State& state(int index) const;
  const Array& array(int index, const std::vector<int64_t>& shape) const;  // kAny: of any length
  int64_t width(int index) const { return floats(index).width; }
  const Value& floats(int index) const;    // a value of float32
  const Value& integers(int index) const;  // a value of integers
  void same(int a, int b) const;           // two values of float32 that are alike
  void same_shape(int a, int b) const;     // two values of integers
  void vector_of(int weight, int64_t n) const;
  void limit_positions(int64_t n);

 private:
  std::vector<Weight> weights_;
  std::vector<Value> values_;
  std::vector<Array> arrays_;
  std::map<int, Interval> intervals_;  // of what stands in a buffer
  std::vector<State> states_;
  std::vector<std::unique_ptr<Operation>> operations_;
  int64_t positions_ = INT64_MAX;
};

// Throws std::invalid_argument "[what] must, but got a and b".
void require(bool holds, const char* what, const std::string& must);
void require(bool holds, const char* what, const std::string& must, int64_t a, int64_t b);

}  // namespace tabulae
