// A program and its weights, checked once: what is in a Model is safe to run, whatever file it came from.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/kernels.h"
#include "core/rotation.h"
#include "core/types.h"

namespace tabulae {

inline constexpr int kNone = -1;

// Operations of program/operations.py, with weights and buffers as indices.
struct Embed {  // of the tokens from `first` on, as many as the weight has rows
  int weight, out;
  float scale;
  int64_t first;
};
struct EmbedPosition {
  int weight, buffer;
  int64_t offset;
};
struct RmsNorm {
  int weight, input, out;
  float eps;
};
struct LayerNorm {
  int weight, bias, input, out;
  float eps;
};
struct Linear {  // writes the columns of `out` from `first` on, as many as the weight has rows; bias is of all columns
  int weight, bias, out;
  int64_t first;
};
struct Project {
  int input;
  std::vector<Linear> linears;
};
struct Rotary {
  int buffer, inv_freq;
  int64_t head;
  float scale;    // of cosines and sines
  int long_freq;  // in place of inv_freq where there is room for more than `original` positions, or none
  int64_t original;
};
struct Attention {
  int q, k, v, out;
  int64_t layer, heads, kv_heads, head;
  float scale;
  int64_t window;  // 0: none
  int slopes;
};
struct Activate {
  Function function;
  int input, up, out;          // up: gated, or none
  std::vector<int32_t> order;  // column j gets result order[j]; empty: they stay where they are
};
struct Add {
  int a, b, out;
};
struct SoftCap {
  int buffer;
  float cap;
};
struct Select {
  int input, out;
};
using Operation =
    std::variant<Embed, EmbedPosition, RmsNorm, LayerNorm, Project, Rotary, Attention, Activate, Add, SoftCap, Select>;

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
};

class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  int add(const FloatMatrix& matrix);
  int add(const TableMatrix& matrix, Outliers outliers, Rotation rotation);
  int buffer(int64_t width);
  void push(Operation operation);  // throws std::invalid_argument where shapes do not fit
  void finish(int logits);         // the last buffer; nothing may be pushed after it

  const std::vector<Weight>& weights() const { return weights_; }
  const std::vector<int64_t>& buffers() const { return buffers_; }
  const std::vector<Operation>& operations() const { return operations_; }
  int logits() const { return logits_; }
  int64_t vocabulary() const { return vocabulary_; }
  int64_t tokens() const { return tokens_; }  // that can be embedded: 0 .. tokens - 1
  int64_t layers() const { return static_cast<int64_t>(cache_widths_.size()); }
  const std::vector<int64_t>& cache_widths() const { return cache_widths_; }  // kv_heads * head, by layer
  int64_t positions() const { return positions_; }  // of learned positions, or the largest int64

 private:
  void check(const Embed&);
  void check(const EmbedPosition&);
  void check(const RmsNorm&);
  void check(const LayerNorm&);
  void check(const Project&);
  void check(const Rotary&);
  void check(const Attention&);
  void check(const Activate&);
  void check(const Add&);
  void check(const SoftCap&);
  void check(const Select&);
  int64_t width(int buffer) const;
  const Weight& weight(int index) const;
  void same_width(int a, int b) const;
  void vector_of(int weight, int64_t n) const;

  std::vector<Weight> weights_;
  std::vector<int64_t> buffers_;
  std::vector<Operation> operations_;
  std::vector<int64_t> cache_widths_;
  int logits_ = kNone;
  int64_t vocabulary_ = 0;
  int64_t tokens_ = 0;
  int64_t positions_ = INT64_MAX;
  bool selected_ = false;
};

}  // namespace tabulae
