// Every kernel from plain sources, compiled for whatever ISA includes this: a whole table, of which an ISA replaces
// what it has better. Include it inside `namespace tabulae::NAME`, which keeps the functions of ISAs apart.
#include "kernels/attention/attention.inl"
#include "kernels/elementwise/elementwise.inl"
#include "kernels/encode/encode.inl"
#include "kernels/integers/integers.inl"
#include "kernels/linear_float/linear_float.inl"
#include "kernels/linear_table/task.inl"
//
#include "kernels/linear_table/plain.inl"
#include "kernels/normalise/normalise.inl"

namespace {

constexpr Kernels plain_kernels(const char* isa) {
  return {
      .isa = isa,
      .encode = encode,
      .tables = {{&kPanel16, {.panels = plain_panels<Multiply>}, {.panels = plain_panels<LookUp>}}},
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
      .dots16 = dots,
      .dots8 = nullptr,
      .add_entries16 = add_entries<int16_t>,
      .add_entries32 = add_entries<int32_t>,
      .count = count,
  };
}

}  // namespace
