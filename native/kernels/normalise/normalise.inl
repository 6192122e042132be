// RMSNorm and LayerNorm: sums in 16 lanes and the tree, one square root, one division per column.
namespace {

// Sum over columns of f(x), f applied to 16 lanes at a time; lanes past the end are given as +0 by `f` of zeros masked.
template <class F>
TABULAE_INLINE float sum_of(const float* x, int64_t n, F f) {
  f32x16 lanes = {};
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) lanes += f(load(x + j));
  if (j < n) {
    float rest[kLanes] = {};
    store_part(rest, f(load_part(x + j, n - j)), n - j);
    lanes += load(rest);
  }
  return tree(lanes);
}

template <class F>
TABULAE_INLINE void each_lane(int64_t n, float* y, F f) {
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) store(y + j, f([j](const float* p) { return load(p + j); }));
  if (j < n) store_part(y + j, f([j, n](const float* p) { return load_part(p + j, n - j); }), n - j);
}

void rms_norm(const float* x, const float* gain, int64_t n, float eps, float* y) {
  const float mean = sum_of(x, n, [](f32x16 v) { return v * v; }) / static_cast<float>(n);
  const float root = __builtin_sqrtf(mean + eps);
  each_lane(n, y, [&](auto at) { return (at(x) / root) * at(gain); });
}

void layer_norm(const float* x, const float* gain, const float* bias, int64_t n, float eps, float* y) {
  const float mean = sum_of(x, n, [](f32x16 v) { return v; }) / static_cast<float>(n);
  const float variance = sum_of(x, n, [&](f32x16 v) { return (v - mean) * (v - mean); }) / static_cast<float>(n);
  const float root = __builtin_sqrtf(variance + eps);
  each_lane(n, y, [&](auto at) {
    const f32x16 value = ((at(x) - mean) / root) * at(gain);
    return bias ? value + at(bias) : value;
  });
}

}  // namespace
