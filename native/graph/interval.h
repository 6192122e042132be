#pragma once

#include <cstdint>

namespace tabulae {

// Whether all of x [n] lie in low..high. Here and not where it is asked: the module is compiled to be small.
bool lie_within(const int32_t* x, int64_t n, int32_t low, int32_t high);

}  // namespace tabulae
