#include "core/kernels.h"

namespace tabulae {
namespace avx512 {
extern const Kernels kKernels;
}
namespace {
bool runs_here() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}
[[maybe_unused]] const bool kEnlisted = enlist({512, &avx512::kKernels, runs_here});
}  // namespace
}  // namespace tabulae
