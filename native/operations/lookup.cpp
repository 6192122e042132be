// A stored function of one integer or of two. An index stays within its table whatever it comes from, so nothing but
// the tables' sizes and the choices is relied on.
#include <algorithm>

#include "graph/run.h"

namespace tabulae {
namespace {

struct Index {
  int value = kNone;
  int64_t begin = 0, last = 0;  // the integer that the first entry is for; the last entry
  int64_t of(int32_t x) const { return std::clamp<int64_t>(x - begin, 0, last); }
};

class Lookup final : public Operation {
 public:
  Lookup(const Fields& fields, Model& model) : out_(fields.index("out")), two_(fields.index("second") != kNone) {
    const Array& tables = model.array(fields.index("tables"), std::vector<int64_t>(two_ ? 3 : 2, kAny));
    tables_ = tables.numbers.data();
    first_ = index(fields.index("input"), fields.integer("begin"), tables.shape[1], model);
    if (two_) second_ = index(fields.index("second"), fields.integer("begin2"), tables.shape[2], model);
    choose(fields.index("choice"), tables, model.value(out_).width, model);
  }

  void stages(Stages& to) const override {
    const int64_t channels = to.model.value(out_).channels();
    to.each_point(out_, 4, [this, channels](Run& run, int64_t begin, int64_t end) {
      const int32_t* x = run.row<int32_t>(first_.value, 0);
      const int32_t* second = two_ ? run.row<int32_t>(second_.value, 0) : nullptr;
      int32_t* out = run.row<int32_t>(out_, 0);
      const auto n = static_cast<int64_t>(chosen_.size());
      for (int64_t i = begin * channels, at = i % n; i < end * channels; ++i, at = at + 1 == n ? 0 : at + 1) {
        const int64_t entry = first_.of(x[i]);
        out[i] = chosen_[at][second ? entry * (second_.last + 1) + second_.of(second[i]) : entry];
      }
    });
  }

 private:
  Index index(int value, int64_t begin, int64_t entries, const Model& model) const {
    model.same_shape(value, out_);
    require(begin >= INT32_MIN && begin <= INT32_MAX, "lookup", "the first entry must be for 32 bits");
    return {value, begin, entries - 1};
  }

  // The table of every element of a position, again and again.
  void choose(int array, const Array& tables, int64_t width, const Model& model) {
    const std::vector<int32_t> choices = array == kNone ? std::vector<int32_t>{0} : model.array(array, {kAny}).numbers;
    const auto n = static_cast<int64_t>(choices.size()), channels = model.value(out_).channels();
    require(n == 1 || n == channels || n == width, "lookup", "choices must be of channels or of all elements", n,
            channels);
    for (const int32_t choice : choices) {
      require(choice >= 0 && choice < tables.shape[0], "lookup", "choices must name tables", choice, tables.shape[0]);
      chosen_.push_back(tables_ + choice * (first_.last + 1) * (second_.last + 1));
    }
  }

  int out_;
  bool two_;
  Index first_, second_;
  const int32_t* tables_;  // the model's
  std::vector<const int32_t*> chosen_;
};

const Registered<Lookup> kRegistered("lookup");

}  // namespace
}  // namespace tabulae
