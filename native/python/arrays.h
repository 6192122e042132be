// Arrays between NumPy and C++, and what every part of the module registers.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace nb = nanobind;

namespace tabulae {

template <class T, int Dimensions>
using In = nb::ndarray<const T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<nb::numpy, T>;

// A NumPy array that owns the vector's memory.
template <class T>
Out<T> array(std::vector<T> values, std::initializer_list<size_t> shape) {
  auto* owner = new std::vector<T>(std::move(values));
  return Out<T>(owner->data(), shape,
                nb::capsule(owner, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); }));
}

inline void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("[native] ") + what);
}

void bind_rans(nb::module_& m);

}  // namespace tabulae
