// Codes of variable length.
#include "codes/rans.h"

#include <nanobind/stl/string.h>

#include <span>

#include "python/arrays.h"

namespace tabulae {
namespace {

std::span<const uint8_t> span_of(const In<uint8_t, 1>& a) { return {a.data(), a.size()}; }

// As ValueError(must, got): the caller knows what the stream is of.
template <class Call>
auto or_value_error(Call&& call) {
  try {
    return call();
  } catch (const rans::Malformed& e) {
    PyErr_SetObject(PyExc_ValueError, nb::make_tuple(e.must, e.got).ptr());
    throw nb::python_error();
  }
}

Out<uint8_t> rans_encode(In<uint8_t, 1> symbols, int threads) {
  std::vector<uint8_t> stream;
  {
    const nb::gil_scoped_release release;
    stream = rans::encode(span_of(symbols), threads);
  }
  const size_t size = stream.size();
  return array(std::move(stream), {size});
}

// How many symbols it holds, and the largest that may be among them.
nb::tuple rans_head(In<uint8_t, 1> stream) {
  return or_value_error([&] {
    const rans::Stream read(span_of(stream));
    return nb::make_tuple(read.count(), read.largest());
  });
}

Out<uint8_t> rans_decode(In<uint8_t, 1> stream, int64_t count, int threads) {
  return or_value_error([&] {
    const rans::Stream read(span_of(stream));
    if (read.count() != count)
      throw rans::Malformed{"it must hold " + std::to_string(count) + " symbols", std::to_string(read.count())};
    std::vector<uint8_t> symbols(count);
    {
      const nb::gil_scoped_release release;
      read.decode(symbols.data(), threads);
    }
    return array(std::move(symbols), {static_cast<size_t>(count)});
  });
}

Out<uint32_t> rans_frequencies(In<int64_t, 1> counts) {
  rans::Counts copy{};
  require(counts.size() == copy.size(), "there must be 256 counts");
  for (size_t s = 0; s < copy.size(); ++s) {
    copy[s] = counts.data()[s];
    require(copy[s] >= 0 && copy[s] < int64_t{1} << 39, "counts must lie in 0..2^39");
  }
  const rans::Frequencies f = rans::frequencies(copy);
  return array(std::vector<uint32_t>(f.begin(), f.end()), {f.size()});
}

}  // namespace

void bind_rans(nb::module_& m) {
  m.def("rans_encode", &rans_encode, nb::arg("symbols").noconvert(), nb::arg("threads"));
  m.def("rans_head", &rans_head, nb::arg("stream").noconvert());
  m.def("rans_decode", &rans_decode, nb::arg("stream").noconvert(), nb::arg("count"), nb::arg("threads"));
  m.def("rans_frequencies", &rans_frequencies, nb::arg("counts").noconvert());
}

}  // namespace tabulae
