// All linears of one input. A tap sees, and may change, the input of one of them: then each has inputs of its own.
#include <algorithm>

#include "graph/linears.h"
#include "graph/plain_read.h"

namespace tabulae {
namespace {

class Project final : public Operation {
 public:
  Project(const Fields& fields, Model& model) : input_(fields.index("input")), width_(model.width(input_)) {
    const Weight* table = nullptr;
    for (const Fields& part : fields.parts("linears")) {
      const Linear one{part.index("weight"), part.index("bias"), part.index("out"), part.first("rows")};
      const Weight& weight = model.weight(one.weight);
      const int64_t room = model.width(one.out) - one.first;
      require(weight.cols() == width_, "project", "columns must fit the input", weight.cols(), width_);
      require(one.first >= 0 && weight.rows() <= room, "project", "rows must fit the output", weight.rows(), room);
      require(one.out != input_, "project", "input and output must be two values");
      require(model.value(one.out).axis == model.value(input_).axis, "project", "values must have the same positions");
      if (one.bias != kNone) model.vector_of(one.bias, model.width(one.out));
      must_share_codes(weight, table);
      linears_.push_back(one);
    }
  }

  void stages(Stages& to) const override {
    const auto count = [input = input_](Run& run) { return run.rows(input); };
    const auto tapped = [&](const Linear& one) { return to.tapped[one.weight]; };
    if (std::none_of(linears_.begin(), linears_.end(), tapped))
      return add_linears(to, linears_, {count, [input = input_](Run& run, int64_t i) { return run.row(input, i); }});
    for (const Linear& one : linears_) {
      to.add({[this, count, &one](Run& run) {
                run.inputs.assign(run.row(input_, 0), run.row(input_, 0) + count(run) * width_);
                run.tap(one.weight, run.inputs.data(), count(run));
                return Work{0};
              },
              {}});
      add_linears(to, {one}, {count, [width = width_](Run& run, int64_t i) { return run.inputs.data() + i * width; }});
    }
  }

  void read(Reads& reads) const override {
    std::vector<int> weights;
    for (const Linear& one : linears_) weights.push_back(one.weight);
    reads.panels(weights);
  }

 private:
  int input_;
  int64_t width_;
  std::vector<Linear> linears_;
};

const Registered<Project> kRegistered("project");

}  // namespace
}  // namespace tabulae
