// The positions whose outputs are asked for.
#include <cstring>

#include "graph/run.h"

namespace tabulae {
namespace {

class Select final : public Operation {
 public:
  Select(const Fields& fields, Model& model) : input_(fields.index("input")), out_(fields.index("out")) {
    require(model.width(input_) == model.width(out_), "select", "values must have one width", model.width(input_),
            model.width(out_));
    require(model.value(input_).axis == Axis::kPositions && model.value(out_).axis == Axis::kWanted, "select",
            "it must take all positions and give those wanted");
  }

  void stages(Stages& to) const override {
    to.each_position(out_, [this](Run& run, int64_t i) {
      std::memcpy(run.row(out_, i), run.row(input_, run.picked[i]), run.model.width(out_) * sizeof(float));
    });
  }

 private:
  int input_, out_;
};

const Registered<Select> kRegistered("select");

}  // namespace
}  // namespace tabulae
