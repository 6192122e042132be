// Attention of one head at one position over its cached keys and values (docs/architecture.md, "The arithmetic", 7):
// scores by lanes and tree, exact maximum, exponentials summed in 16 lanes by absolute position, values added in
// position order, one division.
namespace {

TABULAE_INLINE float dot(const float* a, const float* b, int64_t n) {
  f32x16 lanes = {};
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) lanes += load(a + j) * load(b + j);
  if (j < n) lanes += load_part(a + j, n - j) * load_part(b + j, n - j);
  return tree(lanes);
}

// cap * tanh(score / cap), of 16 at a time, but for those that are not seen; the largest.
float cap_scores(const AttentionTask& t, int64_t base, int64_t padded) {
  for (int64_t i = 0; i < padded; i += kLanes)
    store(t.scores + i, t.cap * hyperbolic_tangent(load(t.scores + i) / t.cap));
  float top = -__builtin_inff();
  for (int64_t i = 0; i < padded; ++i) {
    const bool seen = base + i >= t.first && base + i <= t.last;
    if (!seen) t.scores[i] = -__builtin_inff();
    top = t.scores[i] > top ? t.scores[i] : top;
  }
  return top;
}

// scores[t - base] for t in [first, last], base = first rounded down to 16; the others -infinity.
float score(const AttentionTask& t, int64_t base, int64_t padded) {
  for (int64_t i = 0; i < padded; ++i) t.scores[i] = -__builtin_inff();
  float top = -__builtin_inff();
  for (int64_t at = t.first; at <= t.last; ++at) {
    float s = dot(t.q, t.keys + at * t.head, t.head) * t.scale;
    if (t.slope) s = s + *t.slope * static_cast<float>(at - t.last);
    t.scores[at - base] = s;
    top = s > top ? s : top;
  }
  return t.cap ? cap_scores(t, base, padded) : top;
}

template <int V>
TABULAE_INLINE void weigh(const AttentionTask& t, int64_t base, int64_t column, int64_t width, float total) {
  f32x16 sums[V] = {};
  for (int64_t at = t.first; at <= t.last; ++at) {
    const float p = t.scores[at - base];
    const float* value = t.values + at * t.head + column;
    for (int v = 0; v < V; ++v) sums[v] += p * (width < kLanes ? load_part(value, width) : load(value + v * kLanes));
  }
  for (int v = 0; v < V; ++v)
    if (width < kLanes)
      store_part(t.out + column, sums[v] / total, width);
    else
      store(t.out + column + v * kLanes, sums[v] / total);
}

void attention(const AttentionTask& t) {
  const int64_t base = t.first / kLanes * kLanes;
  const int64_t padded = (t.last - base + kLanes) / kLanes * kLanes;
  const float top = score(t, base, padded);
  f32x16 lanes = {};
  for (int64_t i = 0; i < padded; i += kLanes) {
    const f32x16 e = exponential(load(t.scores + i) - top);  // exp(-infinity) = +0
    store(t.scores + i, e);
    lanes += e;
  }
  const float total = tree(lanes);
  int64_t column = 0;
  for (; column + 4 * kLanes <= t.head; column += 4 * kLanes) weigh<4>(t, base, column, kLanes, total);
  for (; column + kLanes <= t.head; column += kLanes) weigh<1>(t, base, column, kLanes, total);
  if (column < t.head) weigh<1>(t, base, column, t.head - column, total);
}

}  // namespace
