// Activation functions, gates, sums, rotary positions.
namespace {

template <class F>
TABULAE_INLINE void map_lanes(const float* x, const float* up, int64_t n, float* y, F f) {
  for (int64_t j = 0; j < n; j += kLanes) {
    const int64_t width = least(kLanes, n - j);
    f32x16 value = f(width == kLanes ? load(x + j) : load_part(x + j, width));
    if (up) value = value * (width == kLanes ? load(up + j) : load_part(up + j, width));
    store_part(y + j, value, width);
  }
}

void activate(Function function, const float* x, const float* up, int64_t n, float* y) {
  switch (function) {
    case Function::kSilu:
      return map_lanes(x, up, n, y, silu);
    case Function::kGelu:
      return map_lanes(x, up, n, y, gelu);
    case Function::kGeluTanh:
      return map_lanes(x, up, n, y, gelu_tanh);
    case Function::kRelu:
      return map_lanes(x, up, n, y, relu);
  }
}

void soft_cap(float* x, float cap, int64_t n) {
  map_lanes(x, nullptr, n, x, [cap](f32x16 v) { return soft_capped(v, cap); });
}

void add(const float* a, const float* b, int64_t n, float* y) {
  for (int64_t j = 0; j < n; ++j) y[j] = a[j] + b[j];
}

void rotary(float* x, const float* cosines, const float* sines, int64_t half) {
  for (int64_t i = 0; i < half; ++i) {
    const float a = x[i], b = x[i + half];
    x[i] = a * cosines[i] - b * sines[i];
    x[i + half] = b * cosines[i] + a * sines[i];
  }
}

void sine(const float* angle, int64_t n, float* cosine, float* sine) {
  for (int64_t i = 0; i < n; ++i) sine_cosine(angle[i], cosine + i, sine + i);
}

void polynomial(const char* name, const float* x, int64_t n, float* y) {
  const auto is = [&](const char* other) { return std::strcmp(name, other) == 0; };
  if (is("exp")) return map_lanes(x, nullptr, n, y, exponential);
  if (is("tanh")) return map_lanes(x, nullptr, n, y, hyperbolic_tangent);
  if (is("erf")) return map_lanes(x, nullptr, n, y, error_function);
  float other;
  for (int64_t i = 0; i < n; ++i) is("sin") ? sine_cosine(x[i], &other, y + i) : sine_cosine(x[i], y + i, &other);
}

}  // namespace
