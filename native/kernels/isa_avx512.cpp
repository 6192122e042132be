// AVX-512 with VBMI and VNNI (Ice Lake, Zen 4 and later). Float kernels are the generic sources with 16 real lanes.
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
//
#include "kernels/linear_table/expand_avx512.inl"
//
#include "kernels/linear_table/lookup_avx512.inl"
#include "kernels/linear_table/multiply_avx512.inl"

extern const Kernels kAvx512;
const Kernels kAvx512 = {
    .isa = "avx512",
    .encode = encode,
    .prepare = lookup_prepare,
    .needs_tables = lookup_needs_tables,
    .multiply = multiply,
    .lookup = lookup,
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
