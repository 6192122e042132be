// One integer of many along an axis: sum, largest, or where the largest stands.
#include <algorithm>

#include "graph/run.h"

namespace tabulae {
namespace {

enum class How { kSum, kMax, kArgmax };

How how_of(const std::string& text) {
  require(text == "sum" || text == "max" || text == "argmax", "reduce", "it must be sum, max or argmax");
  return text == "sum" ? How::kSum : text == "max" ? How::kMax : How::kArgmax;
}

class Reduce final : public Operation {
 public:
  Reduce(const Fields& fields, Model& model)
      : input_(fields.index("input")), out_(fields.index("out")), how_(how_of(fields.text("how"))) {
    const Value &input = model.integers(input_), &out = model.integers(out_);
    const int64_t axis = fields.integer("axis"), axes = static_cast<int64_t>(input.shape.size());
    require(axis >= 0 && axis < axes, "reduce", "the axis must exist", axis, axes);
    std::vector<int64_t> left = input.shape;
    left.erase(left.begin() + axis);
    if (left.empty()) left.push_back(1);
    require(left == out.shape && input.axis == out.axis, "reduce", "the output must be what is left");
    require(input_ != out_, "reduce", "input and output must be two values");
    n_ = input.shape[axis];
    for (int64_t after = axis + 1; after < axes; ++after) inner_ *= input.shape[after];
  }

  void stages(Stages& to) const override {
    const int64_t outer = to.model.value(out_).width / inner_;
    to.add({[=, this](Run& run) {
              return Work{run.rows(out_) * outer, std::max<int64_t>(1, kFewSteps / (n_ * inner_))};
            },
            [this](Run& run, Worker&, int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i)
                reduce(run.row<int32_t>(input_, 0) + i * n_ * inner_, run.row<int32_t>(out_, 0) + i * inner_);
            }});
  }

 private:
  // x [n][inner] -> out [inner]
  void reduce(const int32_t* x, int32_t* out) const {
    if (how_ == How::kArgmax) return argmax(x, out);
    std::copy_n(x, inner_, out);
    for (int64_t k = 1; k < n_; ++k)
      for (int64_t i = 0; i < inner_; ++i) {
        const int32_t next = x[k * inner_ + i];
        out[i] = how_ == How::kSum ? out[i] + next : std::max(out[i], next);
      }
  }

  // The first of equals.
  void argmax(const int32_t* x, int32_t* out) const {
    std::fill_n(out, inner_, 0);
    for (int64_t k = 1; k < n_; ++k)
      for (int64_t i = 0; i < inner_; ++i)
        if (x[k * inner_ + i] > x[out[i] * inner_ + i]) out[i] = static_cast<int32_t>(k);
  }

  int input_, out_;
  How how_;
  int64_t n_, inner_ = 1;
};

const Registered<Reduce> kRegistered("reduce");

}  // namespace
}  // namespace tabulae
