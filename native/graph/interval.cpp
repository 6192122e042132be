#include "graph/interval.h"

namespace tabulae {

bool lie_within(const int32_t* x, int64_t n, int32_t low, int32_t high) {
  int32_t outside = 0;
  for (int64_t i = 0; i < n; ++i) outside |= (x[i] < low) | (x[i] > high);  // to the end: many at once
  return !outside;
}

}  // namespace tabulae
