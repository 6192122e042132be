// Learned positions, added.
#include "graph/run.h"

namespace tabulae {
namespace {

class EmbedPosition final : public Operation {
 public:
  EmbedPosition(const Fields& fields, Model& model)
      : weight_(fields.index("weight")), buffer_(fields.index("buffer")), offset_(fields.integer("offset")) {
    const Weight& weight = model.weight(weight_);
    require(weight.cols() == model.width(buffer_), "embed_position", "columns must fit the value", weight.cols(),
            model.width(buffer_));
    require(weight.rotation.empty(), "embed_position", "an embedding must not be rotated");
    require(model.value(buffer_).axis == Axis::kPositions, "embed_position", "it must come before the selection");
    require(offset_ >= 0 && offset_ < weight.rows(), "embed_position", "the offset must lie inside the table");
    model.limit_positions(weight.rows() - offset_);
  }

  void stages(Stages& to) const override {
    to.each_position(buffer_, [this](Run& run, int64_t i) {
      const Weight& weight = run.model.weights()[weight_];
      std::vector<float> learned(weight.cols());
      weight.row(run.places[i].position + offset_, learned.data());
      run.kernels.add(run.row(buffer_, i), learned.data(), weight.cols(), run.row(buffer_, i));
    });
  }

 private:
  int weight_, buffer_;
  int64_t offset_;
};

const Registered<EmbedPosition> kRegistered("embed_position");

}  // namespace
}  // namespace tabulae
