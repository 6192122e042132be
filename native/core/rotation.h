// Rotation of an input before it is encoded (docs/architecture.md, "The arithmetic", 1): random signs, then a transform
// of additions only.
#pragma once

#include <cstdint>
#include <vector>

namespace tabulae {

// One factor of the dimension. A power of two is steps of sums and differences, an odd order n is n I - 2 J; any
// other order is dense.
struct RotationFactor {
  int64_t order = 0;
  std::vector<float> matrix;  // [order][order] of +-1 where dense, else empty
  bool operator==(const RotationFactor&) const = default;
};

struct Rotation {
  std::vector<float> signs;  // [cols], +-1
  std::vector<RotationFactor> factors;
  bool empty() const { return signs.empty(); }
  bool operator==(const Rotation&) const = default;
  void apply(float* x) const;  // in place, [cols]
};

}  // namespace tabulae
