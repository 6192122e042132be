// Linears by tables: products were made before, what is left is to look up and add.
//
// Checked here: that every array has its shape, that every edge names a table, and that no code of the input's interval
// is too large for one. Trusted is that integers lie in the intervals of their values and that sums fit 32 bits: that
// is proved before a graph comes here (`Graph.check_integers` in Python).
#include <algorithm>

#include "graph/run.h"
#include "graph/tabled.h"

namespace tabulae {
namespace {

constexpr int64_t kTile = 16;  // points, or outputs, that are one item
constexpr int64_t kMany = 16;  // points that threads share; of fewer they share the outputs

class Products final : public Operation {
 public:
  Products(const Fields& fields, Model& model) : input_(fields.index("input")), out_(fields.index("out")) {
    const Value &input = model.integers(input_), &out = model.integers(out_);
    const int64_t groups = fields.integer("groups");
    require(groups >= 1 && input.channels() % groups == 0 && out.channels() % groups == 0, "products",
            "channels must be multiples of the groups", input.channels(), out.channels());
    require(input_ != out_ && input.axis == out.axis && same_places(input, out), "products",
            "all axes but the last must agree");
    edges_ = edges_of(fields, model, groups);
    require(input.low >= 0 && input.high < edges_.codes, "products", "a table must have an entry for every code",
            input.high, edges_.codes);
    const int start = fields.index("start");
    start_ = start == kNone ? std::vector<int32_t>(out.channels()) : model.array(start, {groups, edges_.rows}).numbers;
    places_ = out.places();
  }

  void stages(Stages& to) const override {
    const std::shared_ptr<const TabledLinear> linear = make_tabled(edges_, to.kernels);
    const int64_t outputs = edges_.outputs();
    to.add({[=, this](Run& run) {
              const int64_t points = count(run), many = points >= kMany;
              const int64_t steps = kTile * (many ? edges_.count() : edges_.columns * points);
              return Work{ceil_div(many ? points : outputs, kTile), std::max<int64_t>(1, kFewSteps / steps)};
            },
            [=, this](Run& run, Worker& worker, int64_t begin, int64_t end) {
              begin *= kTile, end *= kTile;
              const int64_t points = count(run);
              if (points < kMany) return add(*linear, run, worker, {0, points}, {begin, std::min(end, outputs)});
              for (int64_t i = begin; i < std::min(end, points); i += kTile)
                add(*linear, run, worker, {i, std::min(i + kTile, points)}, {0, outputs});
            }});
  }

 private:
  static bool same_places(const Value& a, const Value& b) {
    return !a.shape.empty() && !b.shape.empty() &&
           std::equal(a.shape.begin(), a.shape.end() - 1, b.shape.begin(), b.shape.end() - 1);
  }

  Edges edges_of(const Fields& fields, const Model& model, int64_t groups) const {
    const int64_t rows = model.value(out_).channels() / groups, columns = model.value(input_).channels() / groups;
    const int select = fields.index("select");
    const Array& tables = model.array(fields.index("tables"), {select == kNone ? groups * rows * columns : kAny, kAny});
    const int64_t n = tables.shape[0];
    const std::vector<int32_t>* chosen =
        select == kNone ? nullptr : &model.array(select, {groups, rows, columns}).numbers;
    if (chosen)
      for (const int32_t table : *chosen)
        require(table >= 0 && table < n, "products", "every edge must name a table", table, n);
    return {groups, rows, columns, tables.shape[1], n, tables.numbers.data(), chosen ? chosen->data() : nullptr};
  }

  int64_t count(const Run& run) const { return run.rows(out_) * places_; }

  struct Some {
    int64_t begin, end;
  };
  void add(const TabledLinear& linear, Run& run, Worker& worker, Some points, Some outputs) const {
    int32_t* sums = run.row<int32_t>(out_, 0);
    for (int64_t i = points.begin; i < points.end; ++i)
      std::copy(start_.begin() + outputs.begin, start_.begin() + outputs.end,
                sums + i * edges_.outputs() + outputs.begin);
    linear.add({run.row<int32_t>(input_, 0) + points.begin * edges_.inputs(), points.end - points.begin, outputs.begin,
                outputs.end, sums + points.begin * edges_.outputs()},
               worker.small);
  }

  int input_, out_;
  int64_t places_;
  Edges edges_;                 // arrays are the model's
  std::vector<int32_t> start_;  // [outputs]
};

const Registered<Products> kRegistered("products");

}  // namespace
}  // namespace tabulae
