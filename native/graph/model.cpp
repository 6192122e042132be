#include "graph/model.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>

#include "core/layouts.h"

namespace tabulae {

void require(bool holds, const char* what, const std::string& must) {
  if (!holds) throw std::invalid_argument(std::string("[") + what + "] " + must);
}

void require(bool holds, const char* what, const std::string& must, int64_t a, int64_t b) {
  require(holds, what, must + ", but got " + std::to_string(a) + " and " + std::to_string(b));
}

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

namespace {
// The product of all axes, which must lie in 1..2^31.
int64_t count_of(const std::vector<int64_t>& shape, const char* what) {
  int64_t count = 1;
  for (const int64_t n : shape) {
    require(n > 0 && n < (int64_t{1} << 31) && count * n < (int64_t{1} << 31), what, "its width must be in 1..2^31");
    count *= n;
  }
  return count;
}
}  // namespace

int Model::add(Array array) {
  const int64_t count = count_of(array.shape, "array"), given = static_cast<int64_t>(array.numbers.size());
  require(count == given, "array", "its numbers must fill its shape", count, given);
  arrays_.push_back(std::move(array));
  return static_cast<int>(arrays_.size()) - 1;
}

int Model::add(Value value) {
  value.width = count_of(value.shape, "value");
  require(value.low <= value.high && value.low >= INT32_MIN && value.high <= INT32_MAX, "value",
          "integers must have an interval within int32", value.low, value.high);
  // What a value holds of another one lies in its own interval, whatever part of a graph is run: integers are indices.
  const auto [shared, first] = intervals_.emplace(value.buffer, value.interval());
  require(first || shared->second == value.interval(), "value", "values that share memory must have one type");
  values_.push_back(std::move(value));
  return static_cast<int>(values_.size()) - 1;
}

int Model::add(const State& state) {
  require(state.width > 0 && state.width < (int64_t{1} << 31), "state", "its width must be in 1..2^31");
  states_.push_back(state);
  return static_cast<int>(states_.size()) - 1;
}

void Model::push(const std::string& tag, const Fields& fields) {
  operations_.push_back(make_operation(tag, fields, *this));
}

namespace {
template <class T>
const T& at(const std::vector<T>& all, int index, const char* must) {
  require(index >= 0 && index < static_cast<int>(all.size()), "program", must);
  return all[index];
}
}  // namespace

const Weight& Model::weight(int index) const { return at(weights_, index, "a weight must be given"); }
const Value& Model::value(int index) const { return at(values_, index, "a value must be declared"); }
const State& Model::state(int index) const { return at(states_, index, "a state must be declared"); }

const Array& Model::array(int index, const std::vector<int64_t>& shape) const {
  const Array& found = at(arrays_, index, "an array must be given");
  require(found.shape.size() == shape.size(), "array", "it must have its axes", static_cast<int64_t>(shape.size()),
          static_cast<int64_t>(found.shape.size()));
  for (size_t axis = 0; axis < shape.size(); ++axis)
    require(shape[axis] == kAny || shape[axis] == found.shape[axis], "array", "it must have the length of its axis",
            shape[axis], found.shape[axis]);
  return found;
}

const Value& Model::floats(int index) const {
  require(!value(index).integers, "program", "a value must be float32");
  return value(index);
}

const Value& Model::integers(int index) const {
  require(value(index).integers, "program", "a value must be of integers");
  return value(index);
}

void Model::same(int a, int b) const {
  require(width(a) == width(b), "program", "values must have one width", width(a), width(b));
  require(value(a).axis == value(b).axis, "program", "values must have the same positions");
}

void Model::same_shape(int a, int b) const {
  require(integers(a).shape == integers(b).shape, "program", "values must have one shape", value(a).width,
          value(b).width);
  require(value(a).axis == value(b).axis, "program", "values must have the same positions");
}

void Model::vector_of(int index, int64_t n) const {
  const Weight& w = weight(index);
  require(!w.is_table && w.floats.rows == 1 && w.floats.cols == n, "program", "a float32 vector must fit its value",
          w.cols(), n);
}

void Model::limit_positions(int64_t n) { positions_ = std::min(positions_, n); }

namespace {
// The integer that stands for one weight in units of its row scale, without outliers.
int integer_at(const TableMatrix& m, int64_t row, int64_t col) {
  const int c = m.codebook[m.layout->code(m, row, col)];
  return m.multipliers ? c * m.multipliers[(row / kPanel * m.groups() + col / kBlock / m.group) * kPanel + row % kPanel]
                       : c;
}
}  // namespace

void Weight::row(int64_t index, float* out) const {
  if (!is_table) {
    std::memcpy(out, floats.data + index * floats.cols, floats.cols * sizeof(float));
    return;
  }
  const float scale = table.scale(index);
  for (int64_t j = 0; j < table.cols; ++j) out[j] = static_cast<float>(integer_at(table, index, j)) * scale;
  if (!table.outlier_offsets) return;
  for (uint32_t k = table.outlier_offsets[index]; k < table.outlier_offsets[index + 1]; ++k) {
    const int64_t j = table.outlier_columns[k];
    out[j] = static_cast<float>(int64_t{integer_at(table, index, j)} + table.outlier_values[k]) * scale;
  }
}

}  // namespace tabulae
