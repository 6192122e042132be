// The float operations of arithmetic/rotation.py, in its order.
#include "core/rotation.h"

#include <algorithm>

namespace tabulae {

namespace {

// Steps of (a + b, a - b), the largest stride first.
void power_of_two(float* run, int64_t order, int64_t stride) {
  for (int64_t half = order / 2; half; half /= 2)
    for (int64_t pair = 0; pair < order; pair += 2 * half)
      for (int64_t i = pair * stride; i < (pair + half) * stride; ++i) {
        const float a = run[i], b = run[i + half * stride];
        run[i] = a + b;
        run[i + half * stride] = a - b;
      }
}

// n x - 2 (x0 + x1 + ..), added from left to right.
void odd(float* run, int64_t order, int64_t stride) {
  for (int64_t i = 0; i < stride; ++i) {
    float total = run[i];
    for (int64_t j = 1; j < order; ++j) total += run[j * stride + i];
    for (int64_t j = 0; j < order; ++j)
      run[j * stride + i] = static_cast<float>(order) * run[j * stride + i] - 2.0f * total;
  }
}

// Every output is +-x0 +- x1 .., from left to right.
void dense(float* run, const RotationFactor& factor, int64_t stride) {
  const int64_t order = factor.order;
  const std::vector<float> x(run, run + order * stride);
  for (int64_t k = 0; k < order; ++k) {
    const float* signs = factor.matrix.data() + k * order;
    float* out = run + k * stride;
    for (int64_t i = 0; i < stride; ++i) out[i] = signs[0] * x[i];
    for (int64_t j = 1; j < order; ++j)
      for (int64_t i = 0; i < stride; ++i) out[i] += signs[j] * x[j * stride + i];
  }
}

}  // namespace

void Rotation::apply(float* x) const {
  const auto cols = static_cast<int64_t>(signs.size());
  for (int64_t i = 0; i < cols; ++i) x[i] = signs[i] * x[i];
  int64_t stride = cols;
  for (const RotationFactor& factor : factors) {
    const int64_t run = stride;
    stride /= factor.order;
    for (int64_t at = 0; at < cols; at += run) {
      if (!factor.matrix.empty())
        dense(x + at, factor, stride);
      else if (factor.order % 2)
        odd(x + at, factor.order, stride);
      else
        power_of_two(x + at, factor.order, stride);
    }
  }
}

}  // namespace tabulae
