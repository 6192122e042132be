// Sums of shifted integers, element by element; that they fit was proved.
#include <algorithm>

#include "graph/run.h"

namespace tabulae {
namespace {

struct Term {
  int input;
  int left, right;  // bits of its shift, one of them 0
  int32_t sign;
};

class ShiftAdd final : public Operation {
 public:
  ShiftAdd(const Fields& fields, Model& model) : out_(fields.index("out")) {
    const Value& out = model.integers(out_);
    for (const Fields& term : fields.parts("terms")) add(term, model);
    const int constant = fields.index("constant");
    if (constant != kNone) constant_ = model.array(constant, {out.channels()}).numbers.data();
  }

  void stages(Stages& to) const override {
    const int64_t channels = to.model.value(out_).channels();
    to.each_point(out_, static_cast<int64_t>(terms_.size()), [this, channels](Run& run, int64_t begin, int64_t end) {
      std::vector<int32_t> sums(channels);  // beside the output, which may be one of the inputs
      for (int64_t i = begin; i < end; ++i) {
        if (constant_)
          std::copy_n(constant_, channels, sums.data());
        else
          std::fill(sums.begin(), sums.end(), 0);
        for (const Term& term : terms_) add(term, run.row<int32_t>(term.input, 0) + i * channels, sums);
        std::copy(sums.begin(), sums.end(), run.row<int32_t>(out_, 0) + i * channels);
      }
    });
  }

 private:
  void add(const Fields& term, const Model& model) {
    const int input = term.index("input");
    const int64_t shift = term.integer("shift");
    model.same_shape(input, out_);
    require(shift >= -31 && shift <= 30, "shift_add", "shifts must lie in -31..30");
    const int bits = static_cast<int>(shift);
    terms_.push_back({input, std::max(bits, 0), std::max(-bits, 0), term.integer("negative") ? -1 : 1});
  }

  // To the right: floor.
  static void add(const Term& term, const int32_t* x, std::vector<int32_t>& sums) {
    for (size_t c = 0; c < sums.size(); ++c) sums[c] += ((x[c] >> term.right) << term.left) * term.sign;
  }

  int out_;
  std::vector<Term> terms_;
  const int32_t* constant_ = nullptr;  // the model's
};

const Registered<ShiftAdd> kRegistered("shift_add");

}  // namespace
}  // namespace tabulae
