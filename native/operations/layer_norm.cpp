// Layer norm over the whole width.
#include "graph/run.h"

namespace tabulae {
namespace {

class LayerNorm final : public Operation {
 public:
  LayerNorm(const Fields& fields, Model& model)
      : weight_(fields.index("weight")),
        bias_(fields.index("bias")),
        input_(fields.index("input")),
        out_(fields.index("out")),
        eps_(fields.number("eps")) {
    model.same(input_, out_);
    model.vector_of(weight_, model.width(input_));
    if (bias_ != kNone) model.vector_of(bias_, model.width(input_));
  }

  void stages(Stages& to) const override {
    to.each_position(out_, [this](Run& run, int64_t i) {
      run.kernels.layer_norm(run.row(input_, i), run.vector(weight_), run.vector(bias_), run.model.width(input_), eps_,
                             run.row(out_, i));
    });
  }

 private:
  int weight_, bias_, input_, out_;
  float eps_;
};

const Registered<LayerNorm> kRegistered("layer_norm");

}  // namespace
}  // namespace tabulae
