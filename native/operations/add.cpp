// Residual additions.
#include "graph/run.h"

namespace tabulae {
namespace {

class Add final : public Operation {
 public:
  Add(const Fields& fields, Model& model) : a_(fields.index("a")), b_(fields.index("b")), out_(fields.index("out")) {
    model.same(a_, out_);
    model.same(b_, out_);
  }

  void stages(Stages& to) const override {
    to.each_position(out_, [this](Run& run, int64_t i) {
      run.kernels.add(run.row(a_, i), run.row(b_, i), run.model.width(out_), run.row(out_, i));
    });
  }

 private:
  int a_, b_, out_;
};

const Registered<Add> kRegistered("add");

}  // namespace
}  // namespace tabulae
