// Integers of other values in another order: boxes that are copied, run by run.
#include <algorithm>
#include <cstring>

#include "graph/run.h"

namespace tabulae {
namespace {

struct Step {
  int64_t n, to, from;  // length; how far the next element lies, in the output and in the input
};

// A box: elements that lie behind one another on both sides are one run.
struct Box {
  int input;
  int64_t to = 0, from = 0;  // the first element
  std::vector<Step> axes;    // outermost first; never empty
};

bool disjoint(const std::vector<int64_t>& begin, const std::vector<int64_t>& size, const std::vector<int64_t>& begin2,
              const std::vector<int64_t>& size2) {
  for (size_t a = 0; a < begin.size(); ++a)
    if (begin[a] + size[a] <= begin2[a] || begin2[a] + size2[a] <= begin[a]) return true;
  return false;
}

class Take final : public Operation {
 public:
  Take(const Fields& fields, Model& model) : out_(fields.index("out")), width_(model.integers(out_).width) {
    const int64_t fill = fields.integer("fill");
    require(fill >= INT32_MIN && fill <= INT32_MAX, "take", "the fill must have 32 bits");
    fill_ = static_cast<int32_t>(fill);
    for (const Fields& piece : fields.parts("pieces")) add(piece, model);
    filled_ = !is_covered();
    begins_.clear(), sizes_.clear();
  }

  void stages(Stages& to) const override {
    to.add({[this](Run& run) {
              return Work{run.rows(out_), std::max<int64_t>(1, kFewSteps / width_)};
            },
            [this](Run& run, Worker&, int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) {
                int32_t* out = run.row<int32_t>(out_, i);
                if (filled_) std::fill_n(out, width_, fill_);
                for (const Box& box : boxes_) copy(box, 0, run.row<int32_t>(box.input, i) + box.from, out + box.to);
              }
            }});
  }

 private:
  void add(const Fields& piece, const Model& model) {
    const Value &out = model.value(out_), &input = model.integers(piece.index("input"));
    const size_t axes = out.shape.size();
    const auto or_else = [&](const char* name, const std::vector<int64_t>& otherwise) {
      const std::vector<int64_t>& given = piece.integers(name);
      return given.empty() ? otherwise : given;
    };
    const std::vector<int64_t> begin = or_else("begin", std::vector<int64_t>(axes)), size = or_else("size", out.shape);
    const std::vector<int64_t>& strides = piece.integers("strides");
    require(axes >= 1 && begin.size() == axes && size.size() == axes && strides.size() == axes, "take",
            "a piece must have the axes of its output");
    require(piece.index("input") != out_ && input.axis == out.axis, "take",
            "its input must be another value of the same positions");
    check_elements(piece.integer("base"), strides, size, input.width);
    boxes_.push_back({piece.index("input"), 0, piece.integer("base"), {}});
    int64_t step = 1;
    for (size_t a = axes; a-- > 0; step *= out.shape[a]) {
      require(begin[a] >= 0 && size[a] >= 1 && begin[a] <= out.shape[a] - size[a], "take",
              "the box of a piece must lie in its output", begin[a], size[a]);
      boxes_.back().to += begin[a] * step;
      outside(boxes_.back().axes, {size[a], step, strides[a]});
    }
    std::reverse(boxes_.back().axes.begin(), boxes_.back().axes.end());
    begins_.push_back(begin), sizes_.push_back(size);
  }

  // Strides may be any integers where nothing is reached by them, so no sum of 64 bits would do.
  static void check_elements(int64_t base, const std::vector<int64_t>& strides, const std::vector<int64_t>& size,
                             int64_t width) {
    __extension__ using Wide = __int128;
    Wide low = base, high = base;
    for (size_t a = 0; a < size.size(); ++a) {
      require(size[a] >= 1 && size[a] < (int64_t{1} << 31), "take", "a box must have a length", size[a], width);
      const Wide reach = Wide{strides[a]} * (size[a] - 1);
      low += std::min(reach, Wide{0}), high += std::max(reach, Wide{0});
    }
    require(low >= 0 && high < width, "take", "the elements of a piece must exist");
  }

  // One more axis outside of those that are there, innermost first; joined to the last where it only goes on.
  static void outside(std::vector<Step>& axes, Step next) {
    if (next.n == 1 && !axes.empty()) return;
    if (!axes.empty() && axes.back().n == 1) axes.pop_back();
    if (!axes.empty() && next.to == axes.back().n * axes.back().to && next.from == axes.back().n * axes.back().from)
      axes.back().n *= next.n;
    else
      axes.push_back(next);
  }

  // Whether boxes leave nothing over; where there are many, nobody asks.
  bool is_covered() const {
    int64_t count = 0;
    for (size_t i = 0; i < boxes_.size(); ++i) {
      int64_t elements = 1;
      for (const int64_t n : sizes_[i]) elements *= n;
      count += elements;
    }
    if (count != width_ || boxes_.size() > 64) return false;
    for (size_t i = 0; i < boxes_.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        if (!disjoint(begins_[i], sizes_[i], begins_[k], sizes_[k])) return false;
    return true;
  }

  static void copy(const Box& box, size_t axis, const int32_t* from, int32_t* to) {
    const Step& here = box.axes[axis];
    if (axis + 1 < box.axes.size()) {
      for (int64_t i = 0; i < here.n; ++i) copy(box, axis + 1, from + i * here.from, to + i * here.to);
    } else if (here.to == 1 && here.from == 1) {
      std::memcpy(to, from, here.n * sizeof(int32_t));
    } else {
      for (int64_t i = 0; i < here.n; ++i) to[i * here.to] = from[i * here.from];
    }
  }

  int out_;
  int64_t width_;
  int32_t fill_;
  bool filled_;
  std::vector<Box> boxes_;
  std::vector<std::vector<int64_t>> begins_, sizes_;  // of boxes, while they are checked
};

const Registered<Take> kRegistered("take");

}  // namespace
}  // namespace tabulae
