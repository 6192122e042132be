// Soft caps, in place.
#include "graph/run.h"

namespace tabulae {
namespace {

class SoftCap final : public Operation {
 public:
  SoftCap(const Fields& fields, Model& model) : buffer_(fields.index("buffer")), cap_(fields.number("cap")) {
    model.floats(buffer_);
    require(cap_ > 0, "soft_cap", "the cap must be positive");
  }

  void stages(Stages& to) const override {
    to.each_position(buffer_, [this](Run& run, int64_t i) {
      run.kernels.soft_cap(run.row(buffer_, i), cap_, run.model.width(buffer_));
    });
  }

 private:
  int buffer_;
  float cap_;
};

const Registered<SoftCap> kRegistered("soft_cap");

}  // namespace
}  // namespace tabulae
