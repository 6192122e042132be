// Plain C++ for any machine: the reference of every other ISA.
#include <cstring>

#include "core/kernels.h"
#include "core/polynomials.h"
#include "core/simd.h"
#include "layouts/all.h"

namespace tabulae::generic {
#include "kernels/plain.inl"

extern const Kernels kKernels;
constexpr Kernels kKernels = plain_kernels("generic");

}  // namespace tabulae::generic
