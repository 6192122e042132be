// The Python module tabulae._native: checks sizes, keeps arrays alive, hands pointers on. No logic lives here.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <any>
#include <stdexcept>

#include "core/layouts.h"
#include "graph/engine.h"
#include "graph/interval.h"
#include "graph/linears.h"
#include "python/arrays.h"

namespace nb = nanobind;
using namespace tabulae;

namespace {

struct PyModel {
  Model model;
  std::vector<std::any> kept;  // the arrays that weights point into
};

int float_matrix(PyModel& self, In<float, 2> data) {
  self.kept.emplace_back(data);
  return self.model.add(
      FloatMatrix{static_cast<int64_t>(data.shape(0)), static_cast<int64_t>(data.shape(1)), data.data()});
}

// Orders that are neither odd nor a power of two take the next dense matrix.
Rotation rotation_of(In<float, 1> signs, const std::vector<int64_t>& orders, const std::vector<In<float, 2>>& dense) {
  Rotation rotation;
  rotation.signs.assign(signs.data(), signs.data() + signs.size());
  size_t next = 0, product = 1;
  for (const int64_t order : orders) {
    require(order > 0 && order < (int64_t{1} << 31), "orders of a rotation must be positive");
    RotationFactor factor{order, {}};
    if (order % 2 == 0 && (order & (order - 1))) {
      require(next < dense.size() && static_cast<int64_t>(dense[next].shape(0)) == order &&
                  dense[next].shape(0) == dense[next].shape(1),
              "every dense order of a rotation needs its square matrix");
      factor.matrix.assign(dense[next].data(), dense[next].data() + dense[next].size());
      ++next;
    }
    product *= static_cast<size_t>(order);
    require(product <= signs.size(), "the orders of a rotation must multiply to its columns");
    rotation.factors.push_back(std::move(factor));
  }
  require(product == signs.size(), "the orders of a rotation must multiply to its columns");
  return rotation;
}

int table_matrix(PyModel& self, int64_t rows, int64_t cols, int bits, int exponents, int64_t group, int64_t chunk,
                 In<uint8_t, 1> codes, In<int16_t, 1> codebook, std::optional<In<int8_t, 1>> multipliers,
                 In<uint16_t, 1> scales, std::optional<In<uint32_t, 1>> offsets, std::optional<In<uint16_t, 1>> columns,
                 std::optional<In<int32_t, 1>> values, bool wide, std::optional<In<float, 1>> signs,
                 const std::vector<int64_t>& orders, const std::vector<In<float, 2>>& dense,
                 const std::string& layout) {
  TableMatrix m;
  m.layout = &find_layout(layout);
  m.rows = rows, m.cols = cols, m.bits = bits, m.exponents = exponents, m.group = group, m.chunk = chunk, m.wide = wide;
  require(rows > 0 && cols > 0 && rows < (int64_t{1} << 31) && cols < (int64_t{1} << 31), "shape must be in 1..2^31");
  require(bits >= 1 && bits <= 8 && exponents >= 0 && exponents <= 7, "bits must be in 1..8 and E in 0..7");
  require(group >= 1 && chunk >= 1, "group and chunk must be positive");
  require(static_cast<int64_t>(codes.size()) == m.panels() * m.layout->panel_bytes(m), "codes must fill their layout");
  require(codebook.size() == size_t{1} << bits, "the codebook must have an entry for every code");
  require(!multipliers || static_cast<int64_t>(multipliers->size()) == m.panels() * m.groups() * kPanel,
          "multipliers must fill their layout");
  require(scales.size() == 1 || static_cast<int64_t>(scales.size()) == rows, "there must be one scale, or one per row");
  for (size_t i = 0; i < codebook.size(); ++i) {
    m.codebook[i] = codebook.data()[i];
    require(wide || std::abs(codebook.data()[i]) <= 127, "int8 codepoints must lie in -127..127");
  }
  m.codes = codes.data(), m.scales = scales.data(), m.one_scale = scales.size() == 1;
  m.multipliers = multipliers ? multipliers->data() : nullptr;
  Outliers outliers;
  if (offsets) {
    require(columns && values && static_cast<int64_t>(offsets->size()) == rows + 1,
            "outliers need offsets, columns, values");
    outliers.offsets.assign(offsets->data(), offsets->data() + offsets->size());
    outliers.values.assign(values->data(), values->data() + values->size());
    outliers.columns.assign(columns->data(), columns->data() + columns->size());
    require(outliers.columns.size() == outliers.values.size() && outliers.offsets.back() == outliers.columns.size() &&
                outliers.offsets[0] == 0,
            "outlier offsets must end at their count");
    for (int64_t r = 0; r < rows; ++r)
      require(outliers.offsets[r] <= outliers.offsets[r + 1], "outlier offsets must rise");
    for (const uint16_t column : outliers.columns) require(column < cols, "outlier columns must exist");
    for (const int32_t value : outliers.values)
      require(std::abs(int64_t{value}) < int64_t{1} << 24, "outliers must lie below 2^24");
  }
  Rotation rotation = signs ? rotation_of(*signs, orders, dense) : Rotation{};
  require(rotation.empty() || static_cast<int64_t>(rotation.signs.size()) == cols,
          "a rotation needs one sign per column");
  self.kept.emplace_back(codes);
  self.kept.emplace_back(scales);
  if (multipliers) self.kept.emplace_back(*multipliers);
  return self.model.add(m, std::move(outliers), std::move(rotation));
}

// Activation codes given by the caller, in the form kernels read, and what these prepare of them.
void fill(const TableMatrix& m, In<int8_t, 2> codes, In<uint8_t, 2> exponents, const Scratch& scratch,
          ActivationMemory& memory) {
  memory.resize(static_cast<int64_t>(codes.shape(0)), m.cols, scratch.bytes());
  const Activations& x = memory.view();
  require(static_cast<int64_t>(codes.shape(1)) == x.blocks * kBlock && exponents.shape(0) == codes.shape(0) &&
              static_cast<int64_t>(exponents.shape(1)) == x.blocks,
          "activation codes must fill blocks of 32 columns, with one exponent each");
  std::copy_n(codes.data(), codes.size(), x.codes);
  for (size_t i = 0; i < exponents.size(); ++i) {
    require(exponents.data()[i] <= 7, "exponents must be at most 7");
    x.exponents[i] = exponents.data()[i];
    int32_t sum = 0;
    for (int64_t j = 0; j < kBlock; ++j) sum += x.codes[i * kBlock + j];
    x.bias[i] = static_cast<uint32_t>(-128 * sum);
  }
  for (int64_t i = 0; i < x.n; ++i) scratch.prepare(x, i);
}

// The integers A [n, rows] of one table matrix, by one kernel: what `check` holds against the reference.
Out<int64_t> accumulate(const PyModel& self, int weight, In<int8_t, 2> codes, In<uint8_t, 2> exponents, bool lookup,
                        const std::string& isa) {
  const Weight& w = self.model.weights().at(weight);
  require(w.is_table, "the weight must be a table matrix");
  const TableMatrix& m = w.table;
  const Kernels& kernels = select(isa);
  Scratch scratch(kernels, lookup);
  const int64_t place = scratch.add({&m});
  ActivationMemory memory;
  fill(m, codes, exponents, scratch, memory);
  const Activations& x = memory.view();
  std::vector<int64_t> sums(x.n * m.rows);
  table_linear(kernels.table(m, lookup), {m, x, place, 0, m.panels(), 0, x.n}, [&](const Tile& tile) {
    const int64_t base = tile.panel * kPanel;
    for (int64_t i = 0; i < tile.count; ++i)
      std::copy_n(tile.totals[i], std::min(kPanel, m.rows - base), &sums[(tile.first + i) * m.rows + base]);
  });
  return array(std::move(sums), {static_cast<size_t>(x.n), static_cast<size_t>(m.rows)});
}

// One linear of a host: x [n, cols] -> [n, rows], through activation codes, all on `threads` threads.
Out<float> project(const PyModel& self, int weight, In<float, 2> x, std::optional<In<float, 1>> bias, int threads,
                   bool lookup, const std::string& isa) {
  const Weight& w = self.model.weight(weight);
  const auto n = static_cast<int64_t>(x.shape(0));
  require(w.is_table, "the weight must be a table matrix");
  require(static_cast<int64_t>(x.shape(1)) == w.cols(), "the input must have as many columns as the weight");
  require(!bias || static_cast<int64_t>(bias->size()) == w.rows(), "the bias must have an entry for every row");
  require(threads >= 1 && threads <= 1024, "threads must be in 1..1024");
  std::vector<float> y(n * w.rows());
  {
    const nb::gil_scoped_release release;
    project_table(w, x.data(), n, bias ? bias->data() : nullptr, threads, lookup, select(isa), y.data());
  }
  return array(std::move(y), {static_cast<size_t>(n), static_cast<size_t>(w.rows())});
}

nb::tuple encode(In<float, 2> x, int exponents, const std::string& isa) {
  require(exponents >= 0 && exponents <= 7, "exponents must lie in 0..7");
  const Kernels& kernels = select(isa);
  const FloatMode mode;
  ActivationMemory memory;
  memory.resize(static_cast<int64_t>(x.shape(0)), static_cast<int64_t>(x.shape(1)));
  Activations& out = memory.view();
  for (int64_t i = 0; i < out.n; ++i)
    require(kernels.encode(x.data() + i * out.cols, i, exponents, out), "inputs of a linear must be finite");
  const auto n = static_cast<size_t>(out.n), blocks = static_cast<size_t>(out.blocks);
  return nb::make_tuple(array(std::vector<int8_t>(out.codes, out.codes + n * blocks * kBlock), {n, blocks * kBlock}),
                        array(std::vector<uint8_t>(out.exponents, out.exponents + n * blocks), {n, blocks}),
                        array(std::vector<float>(out.scales, out.scales + n), {n}));
}

Out<float> rotate(In<float, 2> x, In<float, 1> signs, const std::vector<int64_t>& orders,
                  const std::vector<In<float, 2>>& dense) {
  const Rotation rotation = rotation_of(signs, orders, dense);
  require(x.shape(1) == signs.size(), "a rotation needs one sign per column");
  const FloatMode mode;
  std::vector<float> y(x.data(), x.data() + x.size());
  for (size_t i = 0; i < x.shape(0); ++i) rotation.apply(y.data() + i * x.shape(1));
  return array(std::move(y), {x.shape(0), x.shape(1)});
}

Out<float> polynomial(const std::string& name, In<float, 1> x, const std::string& isa) {
  const FloatMode mode;
  std::vector<float> y(x.size());
  select(isa).polynomial(name.c_str(), x.data(), static_cast<int64_t>(x.size()), y.data());
  return array(std::move(y), {x.size()});
}

int64_t integer_of(nb::handle value) {
  int64_t found;
  require(nb::try_cast(value, found), "numbers of an operation must be integers of 64 bits");
  return found;
}

// Numbers, texts, tuples of numbers, and parts that are dictionaries again.
Fields fields_of(const nb::dict& given) {
  Fields fields;
  for (const auto& [key, value] : given) {
    const auto name = nb::cast<std::string>(key);
    if (nb::isinstance<nb::str>(value)) {
      fields.set(name, nb::cast<std::string>(value));
    } else if (nb::isinstance<nb::float_>(value)) {
      fields.set(name, nb::cast<double>(value));
    } else if (nb::isinstance<nb::int_>(value)) {
      fields.set(name, integer_of(value));
    } else {
      std::vector<int64_t> numbers;
      std::vector<Fields> parts;
      for (const nb::handle one : value)
        if (nb::isinstance<nb::dict>(one))
          parts.push_back(fields_of(nb::cast<nb::dict>(one)));
        else
          numbers.push_back(integer_of(one));
      if (parts.empty())
        fields.set(name, std::move(numbers));
      else
        fields.set(name, std::move(parts));
    }
  }
  return fields;
}

int stored_array(PyModel& self, const nb::ndarray<const int32_t, nb::c_contig, nb::device::cpu>& data) {
  Array array;
  for (size_t axis = 0; axis < data.ndim(); ++axis) array.shape.push_back(static_cast<int64_t>(data.shape(axis)));
  array.numbers.assign(data.data(), data.data() + data.size());
  return self.model.add(std::move(array));
}

// A value as a batch gives or takes it: float32 or int32, [positions or those wanted][width].
using AnyArray = nb::ndarray<nb::c_contig, nb::device::cpu>;

std::vector<Given> given_of(const Model& model, const nb::dict& arrays, int64_t n, int64_t wanted) {
  std::vector<Given> given;
  for (const auto& [key, array] : arrays) {
    const int index = nb::cast<int>(key);
    const Value& value = model.value(index);
    const auto x = nb::cast<AnyArray>(array);
    const int64_t rows = value.axis == Axis::kPositions ? n : wanted;
    require(x.dtype() == (value.integers ? nb::dtype<int32_t>() : nb::dtype<float>()) &&
                static_cast<int64_t>(x.size()) == rows * value.width,
            "an input must have the type and the shape of its value");
    require(!value.integers || lie_within(static_cast<const int32_t*>(x.data()), rows * value.width,
                                          static_cast<int32_t>(value.low), static_cast<int32_t>(value.high)),
            "an input must lie in the interval of its value");
    given.push_back({index, x.data()});
  }
  return given;
}

Tap tap_of(nb::callable callback) {
  // shared: copies of the std::function must not touch reference counts without the GIL
  auto held = std::make_shared<nb::callable>(std::move(callback));
  return [held](int, float* x, int64_t n, int64_t cols) {
    const nb::gil_scoped_acquire acquire;
    std::vector<float> copy(x, x + n * cols);
    nb::object result = (*held)(array(std::move(copy), {static_cast<size_t>(n), static_cast<size_t>(cols)}));
    if (result.is_none()) return;
    In<float, 2> replaced;
    require(nb::try_cast(result, replaced, false) && static_cast<int64_t>(replaced.shape(0)) == n &&
                static_cast<int64_t>(replaced.shape(1)) == cols,
            "a tap must return float32 inputs of the same shape, or None");
    std::copy_n(replaced.data(), n * cols, x);
  };
}

// The rows of one value after a run [rows][width], to be filled.
template <class T>
nb::object rows_of(int64_t rows, const Value& value, void*& begin) {
  std::vector<T> out(rows * value.width);
  begin = out.data();
  return nb::cast(array(std::move(out), {static_cast<size_t>(rows), static_cast<size_t>(value.width)}));
}

// parts: (sequence, positions, start, first wanted). Gives the rows of every value `asked`, float32 or int32.
nb::list run(Engine& self, const std::vector<std::tuple<Sequence*, int64_t, int64_t, int64_t>>& parts,
             const nb::dict& given, const std::vector<int>& asked, int64_t begin, int64_t end, const nb::dict& taps) {
  Call call{{}, {}, {}, begin, end, {}};
  int64_t n = 0, wanted = 0;
  for (const auto& [sequence, count, start, first] : parts) {
    require(count >= 1 && first >= 0 && first <= count, "wanted positions must lie in their part");
    require(start >= 0 && start <= sequence->context() - count, "positions must lie inside the context");
    require(start <= self.model().positions() - count, "positions must lie inside the learned positions");
    require(&sequence->model() == &self.model(), "a sequence must be of the engine's model");
    call.parts.push_back({sequence, count, start, first});
    n += count, wanted += count - first;
  }
  require(n >= 1 && n <= Engine::kBatch, "a batch must have 1..64 positions");
  require(begin >= 0 && begin <= end && end <= static_cast<int64_t>(self.model().operations().size()),
          "operations must exist");
  call.given = given_of(self.model(), given, n, wanted);
  nb::list out;
  for (const int index : asked) {
    const Value& value = self.model().value(index);
    const int64_t rows = value.axis == Axis::kPositions ? n : wanted;
    void* memory = nullptr;
    out.append(value.integers ? rows_of<int32_t>(rows, value, memory) : rows_of<float>(rows, value, memory));
    call.asked.push_back({index, memory});
  }
  if (taps.size()) call.taps.resize(self.model().weights().size());
  for (const auto& [key, callback] : taps) call.taps.at(nb::cast<int>(key)) = tap_of(nb::cast<nb::callable>(callback));
  {
    const nb::gil_scoped_release release;
    self.run(call);
  }
  return out;
}

}  // namespace

NB_MODULE(_native, m) {
  nb::exception<NotFinite>(m, "NotFiniteError", PyExc_ValueError);
  nb::exception<Busy>(m, "BusyError", PyExc_RuntimeError);
  m.doc() = "Native kernels and the engine; use tabulae.runtime instead.";
  m.attr("BATCH") = Engine::kBatch;
  m.attr("LAYOUTS") = nb::tuple(nb::cast(known_layouts()));
  m.def("isas", &available_isas, "Instruction sets that run here, best first.");
  m.def(
      "selected_isa", [](const std::string& isa) { return std::string(select(isa).isa); }, nb::arg("isa") = "");
  m.def("encode", &encode, nb::arg("x").noconvert(), nb::arg("exponents"), nb::arg("isa") = "");
  m.def("rotate", &rotate, nb::arg("x").noconvert(), nb::arg("signs").noconvert(), nb::arg("orders"), nb::arg("dense"));
  m.def("polynomial", &polynomial, nb::arg("name"), nb::arg("x").noconvert(), nb::arg("isa") = "");

  bind_rans(m);

  nb::class_<PyModel>(m, "Model")
      .def(nb::init<>())
      .def("float_matrix", &float_matrix, nb::arg("data").noconvert())
      .def("table_matrix", &table_matrix, nb::kw_only(), nb::arg("rows"), nb::arg("cols"), nb::arg("bits"),
           nb::arg("exponents"), nb::arg("group"), nb::arg("chunk"), nb::arg("codes").noconvert(),
           nb::arg("codebook").noconvert(), nb::arg("multipliers").noconvert().none(), nb::arg("scales").noconvert(),
           nb::arg("outlier_offsets").noconvert().none(), nb::arg("outlier_columns").noconvert().none(),
           nb::arg("outlier_values").noconvert().none(), nb::arg("wide"), nb::arg("signs").noconvert().none(),
           nb::arg("orders"), nb::arg("dense"), nb::arg("layout"))
      .def("accumulate", &accumulate, nb::arg("weight"), nb::arg("codes").noconvert(), nb::arg("exponents").noconvert(),
           nb::arg("lookup"), nb::arg("isa") = "")
      .def("project", &project, nb::arg("weight"), nb::arg("x").noconvert(), nb::arg("bias").noconvert().none(),
           nb::arg("threads"), nb::arg("lookup"), nb::arg("isa") = "")
      .def(
          "value",
          [](PyModel& self, bool wanted, const std::vector<int64_t>& shape,
             std::optional<std::pair<int64_t, int64_t>> interval, int buffer) {
            const auto [low, high] = interval.value_or(std::pair<int64_t, int64_t>{0, 0});
            return self.model.add(
                Value{wanted ? Axis::kWanted : Axis::kPositions, shape, interval.has_value(), low, high, buffer});
          },
          nb::arg("wanted"), nb::arg("shape"), nb::arg("interval").none(), nb::arg("buffer"))
      .def("array", &stored_array, nb::arg("data").noconvert())
      .def("state",
           [](PyModel& self, int64_t width, bool per_position) {
             return self.model.add(State{width, per_position});
           })
      .def("push", [](PyModel& self, const std::string& tag, const nb::dict& fields) {
        self.model.push(tag, fields_of(fields));
      });

  nb::class_<Sequence>(m, "Sequence")
      .def(
          "__init__",
          [](Sequence* self, const PyModel& model, int64_t context) {
            require(context >= 1 && context < (int64_t{1} << 31), "the context must be in 1..2^31");
            new (self) Sequence(model.model, context);
          },
          nb::arg("model"), nb::arg("context"), nb::keep_alive<1, 2>());

  nb::class_<Engine>(m, "Engine")
      .def(
          "__init__",
          [](Engine* self, const PyModel& model, int threads, bool lookup, const std::string& isa) {
            require(threads >= 1 && threads <= 1024, "threads must be in 1..1024");
            new (self) Engine(model.model, threads, lookup ? Arithmetic::kLookup : Arithmetic::kMultiply, select(isa));
          },
          nb::arg("model"), nb::arg("threads"), nb::arg("lookup"), nb::arg("isa") = "", nb::keep_alive<1, 2>())
      .def("run", &run, nb::arg("parts"), nb::arg("given"), nb::arg("asked"), nb::arg("begin"), nb::arg("end"),
           nb::arg("taps"))
      .def(
          "read_plainly",
          [](Engine& self, Sequence& sequence, int64_t cached) {
            require(cached >= 0 && cached <= sequence.context(), "the cached positions must lie in the context");
            const nb::gil_scoped_release release;
            return self.read_plainly(sequence, cached);
          },
          nb::arg("sequence"), nb::arg("cached"));
}
