// Rows of a table by token; bands of it are weights of their own.
#include <algorithm>

#include "graph/run.h"

namespace tabulae {
namespace {

class Embed final : public Operation {
 public:
  Embed(const Fields& fields, Model& model)
      : input_(fields.index("input")), out_(fields.index("out")), scale_(fields.number("scale")) {
    const Value& tokens = model.integers(input_);
    int64_t next = tokens.low;
    require(next == 0 && tokens.width == 1, "embed", "tokens must begin at 0");
    require(tokens.axis == model.floats(out_).axis, "embed", "values must have the same positions");
    for (const Fields& band : fields.parts("bands")) {
      const Weight& weight = model.weight(band.index("weight"));
      require(weight.cols() == model.width(out_), "embed", "columns must fit the value", weight.cols(),
              model.width(out_));
      require(weight.rotation.empty(), "embed", "an embedding must not be rotated");
      require(band.first("rows") == next, "embed", "bands of tokens must follow one another", band.first("rows"), next);
      bands_.push_back({band.index("weight"), next});
      next += weight.rows();
    }
    require(next == tokens.high + 1, "embed", "there must be a row for every token", next, tokens.high + 1);
  }

  void stages(Stages& to) const override {
    to.each_position(out_, [this](Run& run, int64_t i) {
      const int64_t token = *run.row<int32_t>(input_, i);
      float* out = run.row(out_, i);
      const auto band = std::find_if(bands_.rbegin(), bands_.rend(), [&](const Band& b) { return b.first <= token; });
      const Weight& weight = run.model.weights()[band->weight];
      weight.row(token - band->first, out);
      if (scale_ != 1.0f)
        for (int64_t j = 0; j < weight.cols(); ++j) out[j] *= scale_;
    });
  }

 private:
  struct Band {
    int weight;
    int64_t first;  // token
  };
  int input_, out_;
  float scale_;
  std::vector<Band> bands_;
};

const Registered<Embed> kRegistered("embed");

}  // namespace
}  // namespace tabulae
