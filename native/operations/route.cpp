// Routers of mixtures of experts: the shares of softmax(weight x) that are largest, in the order of experts.
#include <algorithm>
#include <cmath>

#include "core/simd.h"
#include "graph/run.h"

namespace tabulae {
namespace {

float lanes_sum(const float* x, int64_t n) {
  f32x16 lanes = {};
  for (int64_t j = 0; j < n; j += kLanes) lanes += load_part(x + j, least(kLanes, n - j));
  return tree(lanes);
}

class Route final : public Operation {
 public:
  Route(const Fields& fields, Model& model)
      : weight_(fields.index("weight")),
        input_(fields.index("input")),
        chosen_(fields.index("chosen")),
        shares_(fields.index("shares")),
        normalise_(fields.integer("normalise") != 0),
        scale_(fields.number("scale")),
        top_(model.integers(chosen_).width) {
    const Weight& weight = model.weight(weight_);
    const Value& chosen = model.value(chosen_);
    require(!weight.is_table, "route", "a router must be float32");
    require(weight.cols() == model.width(input_), "route", "columns must fit the input", weight.cols(),
            model.width(input_));
    require(chosen.low == 0 && chosen.high + 1 == weight.rows(), "route", "there must be a row for every expert",
            chosen.high + 1, weight.rows());
    require(model.width(shares_) == top_ && top_ <= weight.rows(), "route", "there must be a share for every choice",
            model.width(shares_), top_);
    for (const int value : {chosen_, shares_})
      require(model.value(value).axis == model.value(input_).axis, "route", "values must have the same positions");
  }

  void stages(Stages& to) const override {
    to.each_position(input_, [this](Run& run, int64_t i) {
      const FloatMatrix& weight = run.model.weights()[weight_].floats;
      thread_local std::vector<float> shares;
      thread_local std::vector<int32_t> order;
      shares.resize(weight.rows), order.resize(weight.rows);
      run.kernels.float_linear(weight, run.row(input_, i), weight.cols, 1, 0, weight.rows, nullptr, shares.data(),
                               weight.rows);
      if (!softmax(run.kernels, shares)) run.finite = false, std::fill(shares.begin(), shares.end(), 0.0f);
      for (int64_t expert = 0; expert < weight.rows; ++expert) order[expert] = static_cast<int32_t>(expert);
      const auto before = [](int32_t a, int32_t b) { return shares[a] != shares[b] ? shares[a] > shares[b] : a < b; };
      std::partial_sort(order.begin(), order.begin() + top_, order.end(), before);
      std::sort(order.begin(), order.begin() + top_);
      put(order.data(), shares.data(), run.row<int32_t>(chosen_, i), run.row(shares_, i));
    });
  }

 private:
  // False where there is none, because an input is not finite.
  static bool softmax(const Kernels& kernels, std::vector<float>& x) {
    const auto n = static_cast<int64_t>(x.size());
    const float top = *std::max_element(x.begin(), x.end());
    for (float& score : x) score -= top;
    kernels.polynomial("exp", x.data(), n, x.data());
    const float total = lanes_sum(x.data(), n);
    for (float& share : x) share /= total;
    return std::isfinite(total);
  }

  void put(const int32_t* order, const float* all, int32_t* chosen, float* shares) const {
    float total = 0;
    for (int64_t s = 0; s < top_; ++s) total += all[order[s]];
    for (int64_t s = 0; s < top_; ++s) {
      chosen[s] = order[s];
      shares[s] = normalise_ ? all[order[s]] / total : all[order[s]];
      if (scale_ != 1.0f) shares[s] *= scale_;
    }
  }

  int weight_, input_, chosen_, shares_;
  bool normalise_;
  float scale_;
  int64_t top_;
};

const Registered<Route> kRegistered("route");

}  // namespace
}  // namespace tabulae
