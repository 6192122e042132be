#include "decoder/model.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <stdexcept>

namespace tabulae {

namespace {

void require(bool holds, const char* what, const std::string& must) {
  if (!holds) throw std::invalid_argument(std::string("[") + what + "] " + must);
}

std::string against(int64_t a, int64_t b) { return ", but got " + std::to_string(a) + " and " + std::to_string(b); }

}  // namespace

struct ProductTables {
  std::vector<int32_t> codepoints, nibbles;
};

namespace {

// One set of product tables for all tensors that share a codebook.
std::shared_ptr<const ProductTables> products_of(const TableMatrix& m) {
  static std::mutex mutex;
  static std::map<std::pair<int, std::array<int16_t, 256>>, std::weak_ptr<const ProductTables>> cache;
  std::lock_guard lock(mutex);
  std::erase_if(cache, [](const auto& entry) { return entry.second.expired(); });
  auto& slot = cache[{m.bits | (m.wide ? 64 : 0), std::to_array(m.codebook)}];
  if (auto known = slot.lock()) return known;
  auto made = std::make_shared<ProductTables>();
  const int codes = 1 << m.bits;
  for (int x = -128; x < 128; ++x) {
    if (m.bits < 8 || m.wide)
      for (int code = 0; code < codes; ++code) made->codepoints.push_back(m.codebook[code] * x);
    for (int value = 0; value < 16; ++value)
      made->nibbles.push_back((m.bits > 4 || m.wide ? value : m.codebook[value & (codes - 1)]) * x);
  }
  slot = made;
  return made;
}

// Fills what follows from a matrix's codebook.
void derive(TableMatrix& m) {
  const int codes = 1 << m.bits;
  m.affine = !m.wide;
  m.offset = -m.codebook[0];
  for (int code = 0; code < codes; ++code) {
    m.biased[code] = static_cast<uint8_t>(m.codebook[code] + 128);
    if (m.codebook[code] != code - m.offset && !(code == 255 && m.codebook[code] == 0)) m.affine = false;
  }
  if (m.bits != 8 || m.offset < 0 || m.offset > 128) m.affine = false;
}

}  // namespace

int Model::add(const FloatMatrix& matrix) {
  Weight weight;
  weight.floats = matrix;
  weights_.push_back(std::move(weight));
  return static_cast<int>(weights_.size()) - 1;
}

int Model::add(const TableMatrix& matrix, Outliers outliers, Rotation rotation) {
  Weight weight;
  weight.is_table = true;
  weight.outliers = std::move(outliers);
  weight.products = products_of(matrix);
  weight.rotation = std::move(rotation);
  TableMatrix& table = weight.table = matrix;
  derive(table);
  const ProductTables& products = *weight.products;
  table.products = {products.codepoints.empty() ? nullptr : products.codepoints.data(), products.nibbles.data()};
  if (!weight.outliers.offsets.empty()) {
    table.outlier_offsets = weight.outliers.offsets.data();
    table.outlier_columns = weight.outliers.columns.data();
    table.outlier_values = weight.outliers.values.data();
  }
  weights_.push_back(std::move(weight));
  return static_cast<int>(weights_.size()) - 1;
}

int Model::buffer(int64_t width) {
  require(width > 0 && width < (int64_t{1} << 31), "buffer",
          "width must be in 1..2^31, but got " + std::to_string(width));
  buffers_.push_back(width);
  return static_cast<int>(buffers_.size()) - 1;
}

void Model::push(Operation operation) {
  require(logits_ == kNone, "program", "nothing may follow the logits");
  std::visit([this](const auto& op) { check(op); }, operation);
  operations_.push_back(std::move(operation));
}

void Model::finish(int logits) {
  vocabulary_ = width(logits);
  require(selected_, "program", "wanted positions must be selected before the logits");
  logits_ = logits;
}

int64_t Model::width(int buffer) const {
  require(buffer >= 0 && buffer < static_cast<int>(buffers_.size()), "program", "a buffer must be declared");
  return buffers_[buffer];
}

const Weight& Model::weight(int index) const {
  require(index >= 0 && index < static_cast<int>(weights_.size()), "program", "a weight must be given");
  return weights_[index];
}

void Model::same_width(int a, int b) const {
  require(width(a) == width(b), "program", "buffers must have one width" + against(width(a), width(b)));
}

void Model::vector_of(int index, int64_t n) const {
  const Weight& w = weight(index);
  require(!w.is_table && w.floats.rows == 1 && w.floats.cols == n, "program",
          "a float32 vector must fit its buffer" + against(w.cols(), n));
}

void Model::check(const Embed& op) {
  const Weight& w = weight(op.weight);
  require(w.cols() == width(op.out), "embed", "columns must fit the buffer" + against(w.cols(), width(op.out)));
  require(w.rotation.empty(), "embed", "an embedding must not be rotated");
  require(operations_.empty() || std::holds_alternative<Embed>(operations_.back()), "embed",
          "it must be the first operation, or follow one of its kind");
  require(op.first == tokens_, "embed", "bands of tokens must follow one another" + against(op.first, tokens_));
  tokens_ += w.rows();
}

void Model::check(const EmbedPosition& op) {
  const Weight& w = weight(op.weight);
  require(w.cols() == width(op.buffer), "embed_position",
          "columns must fit the buffer" + against(w.cols(), width(op.buffer)));
  require(w.rotation.empty(), "embed_position", "an embedding must not be rotated");
  require(!selected_, "embed_position", "it must come before the selection");
  require(op.offset >= 0 && op.offset < w.rows(), "embed_position", "the offset must lie inside the table");
  positions_ = std::min(positions_, w.rows() - op.offset);
}

void Model::check(const RmsNorm& op) {
  same_width(op.input, op.out);
  const int64_t n = weight(op.weight).cols();
  require(n > 0 && width(op.input) % n == 0, "rms_norm",
          "the gain must divide the width" + against(n, width(op.input)));
  vector_of(op.weight, n);
}

void Model::check(const LayerNorm& op) {
  same_width(op.input, op.out);
  vector_of(op.weight, width(op.input));
  if (op.bias != kNone) vector_of(op.bias, width(op.input));
}

void Model::check(const Project& op) {
  const Weight* table = nullptr;
  for (const Linear& linear : op.linears) {
    const Weight& w = weight(linear.weight);
    require(w.cols() == width(op.input), "project", "columns must fit the input" + against(w.cols(), width(op.input)));
    require(linear.first >= 0 && linear.first <= width(linear.out) - w.rows(), "project",
            "rows must fit the output" + against(w.rows(), width(linear.out) - linear.first));
    require(linear.out != op.input, "project", "input and output must be two buffers");
    if (linear.bias != kNone) vector_of(linear.bias, width(linear.out));
    if (!w.is_table) continue;
    require(!table || (w.table.exponents == table->table.exponents && w.rotation == table->rotation), "project",
            "linears of one input must share its activation codes");
    table = &w;
  }
}

void Model::check(const Rotary& op) {
  const int64_t half = weight(op.inv_freq).cols();
  vector_of(op.inv_freq, half);
  if (op.long_freq != kNone) vector_of(op.long_freq, half);
  require(op.head > 0 && 2 * half <= op.head && width(op.buffer) % op.head == 0, "rotary",
          "heads must fill the buffer and hold the turned columns" + against(op.head, width(op.buffer)));
  require(!selected_, "rotary", "it must come before the selection");
}

void Model::check(const Attention& op) {
  const auto small = [](int64_t n) { return n > 0 && n < (int64_t{1} << 24); };
  require(small(op.heads) && small(op.kv_heads) && small(op.head) && op.heads % op.kv_heads == 0, "attention",
          "heads must be a multiple of the key/value heads" + against(op.heads, op.kv_heads));
  require(width(op.q) == op.heads * op.head && width(op.out) == width(op.q), "attention",
          "queries and output must be heads wide" + against(width(op.q), width(op.out)));
  require(width(op.k) == op.kv_heads * op.head && width(op.v) == width(op.k), "attention",
          "keys and values must be heads wide" + against(width(op.k), width(op.v)));
  require(op.window >= 0, "attention", "the window must not be negative");
  require(op.layer == layers(), "attention", "layers must be numbered in order" + against(op.layer, layers()));
  require(!selected_, "attention", "it must come before the selection");
  if (op.slopes != kNone) vector_of(op.slopes, op.heads);
  cache_widths_.push_back(width(op.k));
}

void Model::check(const Activate& op) {
  same_width(op.input, op.out);
  if (op.up != kNone) same_width(op.up, op.out);
  const int64_t n = width(op.out);
  require(op.order.empty() || static_cast<int64_t>(op.order.size()) == n, "activate",
          "an order must be of all columns");
  for (const int32_t j : op.order) require(j >= 0 && j < n, "activate", "an order must be of columns that there are");
}

void Model::check(const Add& op) {
  same_width(op.a, op.out);
  same_width(op.b, op.out);
}

void Model::check(const SoftCap& op) {
  width(op.buffer);
  require(op.cap > 0, "soft_cap", "the cap must be positive");
}

void Model::check(const Select& op) {
  same_width(op.input, op.out);
  require(!selected_, "select", "it must stand once in a program");
  selected_ = true;
}

}  // namespace tabulae
