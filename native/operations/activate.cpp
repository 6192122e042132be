// Element-wise activation functions, alone or gating a second input; columns dealt in another order.
#include "graph/run.h"

namespace tabulae {
namespace {

Function function_of(const std::string& name) {
  if (name == "silu") return Function::kSilu;
  if (name == "gelu") return Function::kGelu;
  if (name == "gelu_tanh") return Function::kGeluTanh;
  require(name == "relu", "activate", "the function must be silu, gelu, gelu_tanh or relu");
  return Function::kRelu;
}

// The rank in every column: digits of its number in the bases of `deal`, reversed (program/deal.py). Empty: in order.
std::vector<int32_t> ranks(const std::vector<int64_t>& deal, int64_t width) {
  int64_t columns = 1;
  for (const int64_t base : deal) {
    require(base > 0 && base <= width / columns, "activate", "digits of a deal must multiply to its columns");
    columns *= base;
  }
  if (deal.empty()) return {};
  require(width % columns == 0, "activate", "a deal must divide the width", columns, width);
  std::vector<int32_t> found(columns);
  for (int64_t column = 0; column < columns; ++column) {
    int64_t left = column, rank = 0, unit = columns;
    for (size_t k = deal.size(); k-- > 0;) {
      unit /= deal[k];
      rank += left % deal[k] * unit;
      left /= deal[k];
    }
    found[column] = static_cast<int32_t>(rank);
  }
  return found;
}

class Activate : public Operation {
 public:
  Activate(const Fields& fields, Model& model) : Activate(fields, model, fields.index("input"), kNone) {}

  void stages(Stages& to) const override {
    to.each_position(out_, [this](Run& run, int64_t i) {
      const int64_t width = run.model.width(out_), columns = static_cast<int64_t>(order_.size());
      const float* up = up_ == kNone ? nullptr : run.row(up_, i);
      float* out = run.row(out_, i);
      if (order_.empty()) return run.kernels.activate(function_, run.row(input_, i), up, width, out);
      thread_local std::vector<float> results;
      results.resize(width);
      run.kernels.activate(function_, run.row(input_, i), up, width, results.data());
      for (int64_t base = 0; base < width; base += columns)
        for (int64_t j = 0; j < columns; ++j) out[base + j] = results[base + order_[j]];
    });
  }

 protected:
  Activate(const Fields& fields, Model& model, int input, int up)
      : function_(function_of(fields.text("fn"))),
        input_(input),
        up_(up),
        out_(fields.index("out")),
        order_(ranks(fields.integers("deal"), model.width(out_))) {
    model.same(input_, out_);
    if (up_ != kNone) model.same(up_, out_);
  }

 private:
  Function function_;
  int input_, up_, out_;
  std::vector<int32_t> order_;  // column j gets result order_[j], in every run of as many columns
};

class Gate final : public Activate {
 public:
  Gate(const Fields& fields, Model& model) : Activate(fields, model, fields.index("gate"), fields.index("up")) {}
};

const Registered<Activate> kActivate("activate");
const Registered<Gate> kGate("gate");

}  // namespace
}  // namespace tabulae
