// What the experts of a position gave, as one: from +0, in the order of choices.
#include <algorithm>

#include "graph/run.h"

namespace tabulae {
namespace {

class Combine final : public Operation {
 public:
  Combine(const Fields& fields, Model& model)
      : input_(fields.index("input")),
        shares_(fields.index("shares")),
        out_(fields.index("out")),
        top_(model.width(shares_)),
        width_(model.width(out_)) {
    require(model.width(input_) == top_ * width_, "combine", "there must be a row for every choice",
            model.width(input_), top_ * width_);
    for (const int value : {input_, shares_})
      require(model.value(value).axis == model.value(out_).axis, "combine", "values must have the same positions");
    require(input_ != out_, "combine", "input and output must be two values");
  }

  void stages(Stages& to) const override {
    to.each_position(out_, [this](Run& run, int64_t i) {
      float* out = run.row(out_, i);
      std::fill_n(out, width_, 0.0f);
      for (int64_t s = 0; s < top_; ++s) {
        const float share = run.row(shares_, i)[s];
        const float* x = run.row(input_, i) + s * width_;
        for (int64_t j = 0; j < width_; ++j) out[j] += share * x[j];
      }
    });
  }

 private:
  int input_, shares_, out_;
  int64_t top_, width_;
};

const Registered<Combine> kRegistered("combine");

}  // namespace
}  // namespace tabulae
