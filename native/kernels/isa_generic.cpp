// Plain C++ for any machine: the reference of every other ISA.
#include <cstring>

#include "core/kernels.h"
#include "core/polynomials.h"
#include "core/simd.h"

namespace tabulae {
#include "kernels/attention/attention.inl"
#include "kernels/elementwise/elementwise.inl"
#include "kernels/encode/encode.inl"
#include "kernels/linear_float/linear_float.inl"
#include "kernels/linear_table/plain.inl"
#include "kernels/normalise/normalise.inl"

namespace {
void no_tables(const TableMatrix&, int64_t, Activations&) {}
bool needs_no_tables(const TableMatrix&) { return false; }
template <class Arithmetic>
PanelKernel plain(const TableMatrix&) {
  return plain_panel<Arithmetic>;
}
}  // namespace

extern const Kernels kGeneric;
const Kernels kGeneric = {
    .isa = "generic",
    .encode = encode,
    .prepare = no_tables,
    .needs_tables = needs_no_tables,
    .multiply = plain<Multiply>,
    .lookup = plain<LookUp>,
    .add_outliers = {add_outliers<false>, add_outliers<true>},
    .finish = finish,
    .float_linear = float_linear,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .rotary = rotary,
    .attention = attention,
    .activate = activate,
    .soft_cap = soft_cap,
    .add = add,
    .sine = sine,
    .polynomial = polynomial,
};

}  // namespace tabulae
