#include "core/kernels.h"

namespace tabulae {
namespace generic {
extern const Kernels kKernels;
}
namespace {
[[maybe_unused]] const bool kEnlisted = enlist({0, &generic::kKernels, [] { return true; }});
}
}  // namespace tabulae
