#include "core/kernels.h"

namespace tabulae {
namespace avx2 {
extern const Kernels kKernels;
}
namespace {
[[maybe_unused]] const bool kEnlisted =
    enlist({256, &avx2::kKernels, [] { return __builtin_cpu_supports("avx2") != 0; }});
}  // namespace
}  // namespace tabulae
