// Root mean square norm of every run of columns that is as long as the gain.
#include "graph/run.h"

namespace tabulae {
namespace {

class RmsNorm final : public Operation {
 public:
  RmsNorm(const Fields& fields, Model& model)
      : weight_(fields.index("weight")),
        input_(fields.index("input")),
        out_(fields.index("out")),
        eps_(fields.number("eps")),
        n_(model.weight(weight_).cols()),
        width_(model.width(out_)) {
    model.same(input_, out_);
    require(n_ > 0 && width_ % n_ == 0, "rms_norm", "the gain must divide the width", n_, width_);
    model.vector_of(weight_, n_);
  }

  void stages(Stages& to) const override {
    to.each_position(out_, [this](Run& run, int64_t i) {
      for (int64_t j = 0; j < width_; j += n_)
        run.kernels.rms_norm(run.row(input_, i) + j, run.vector(weight_), n_, eps_, run.row(out_, i) + j);
    });
  }

 private:
  int weight_, input_, out_;
  float eps_;
  int64_t n_, width_;
};

const Registered<RmsNorm> kRegistered("rms_norm");

}  // namespace
}  // namespace tabulae
