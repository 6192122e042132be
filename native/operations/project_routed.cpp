// Linears of experts. A *slot* is a position's choice, position * top + choice; slots are sorted by expert, so that
// those of one expert are consecutive inputs of its linears, and every result goes back to its slot.
#include <algorithm>
#include <utility>

#include "graph/linears.h"
#include "graph/plain_read.h"

namespace tabulae {
namespace {

class ProjectRouted final : public Operation {
 public:
  ProjectRouted(const Fields& fields, Model& model)
      : input_(fields.index("input")), chosen_(fields.index("chosen")), top_(model.integers(chosen_).width) {
    const int64_t experts = model.value(chosen_).high + 1, width = model.width(input_);
    require(model.value(chosen_).low == 0, "project_routed", "experts must begin at 0");
    for (const Fields& part : fields.parts("experts")) {
      Bank bank{part.index("out"), 0, {}};
      for (const int64_t weight : part.integers("weights")) bank.weights.push_back(static_cast<int>(weight));
      require(static_cast<int64_t>(bank.weights.size()) == experts, "project_routed", "every expert must be there",
              static_cast<int64_t>(bank.weights.size()), experts);
      require(bank.out != input_, "project_routed", "input and output must be two values");
      const Weight& first = model.weight(bank.weights[0]);
      bank.rows = first.rows(), cols_ = first.cols();
      require(cols_ == width || cols_ * top_ == width, "project_routed", "columns must fit the input", cols_, width);
      require(model.width(bank.out) == top_ * bank.rows, "project_routed", "rows must fit the output",
              model.width(bank.out), top_ * bank.rows);
      for (const int value : {input_, bank.out})
        require(model.value(value).axis == model.value(chosen_).axis, "project_routed",
                "values must have the same positions");
      for (const int weight : bank.weights) check(model.weight(weight), bank.rows);
      banks_.push_back(std::move(bank));
    }
    require(!banks_.empty(), "project_routed", "there must be linears");
    each_slot_ = cols_ != width || top_ == 1;
  }

  void stages(Stages& to) const override {
    const auto tapped = [&](int weight) { return to.tapped[weight]; };
    for (const Bank& bank : banks_) {
      const bool own = std::any_of(bank.weights.begin(), bank.weights.end(), tapped);
      if (&bank == &banks_[0] || own || tapped_before(to, bank)) add_inputs(to, own ? &bank : nullptr);
      add_bank(to, bank);
    }
  }

  // What a token reads: of as many experts as are chosen.
  void read(Reads& reads) const override {
    std::vector<int> weights;
    for (const Bank& bank : banks_) weights.insert(weights.end(), bank.weights.begin(), bank.weights.begin() + top_);
    reads.panels(weights);
  }

 private:
  struct Bank {
    int out;
    int64_t rows;
    std::vector<int> weights;  // by expert
  };

  void check(const Weight& weight, int64_t rows) {
    require(weight.rows() == rows && weight.cols() == cols_, "project_routed", "experts must have one shape",
            weight.rows(), rows);
    must_share_codes(weight, table_);
  }

  bool tapped_before(const Stages& to, const Bank& bank) const {
    const Bank& before = *(&bank - 1);
    return std::any_of(before.weights.begin(), before.weights.end(), [&](int weight) { return to.tapped[weight]; });
  }

  // Sorts slots, gathers their inputs, shows them to the taps of `bank`, and encodes them.
  void add_inputs(Stages& to, const Bank* tapped) const {
    to.add({[this, tapped](Run& run) {
              sort(run);
              gather(run);
              if (tapped) tap(run, *tapped);
              return Work{0};
            },
            {}});
    if (!table_) return;
    const Inputs inputs{[](Run& run) { return static_cast<int64_t>(run.slots.size()); },
                        [cols = cols_](Run& run, int64_t i) { return run.inputs.data() + i * cols; }};
    add_encoding(to, *table_, inputs, false);
  }

  void add_bank(Stages& to, const Bank& bank) const {
    if (std::any_of(bank.weights.begin(), bank.weights.end(),
                    [&](int weight) { return needs_tables(to, to.model.weights()[weight]); }))
      add_tables(to, [&bank](Run& run, int64_t i) -> const TableMatrix* {
        const Weight& weight = run.model.weights()[bank.weights[expert_of(run, i)]];
        return weight.is_table ? &weight.table : nullptr;
      });
    const int64_t panels = ceil_div(bank.rows, kPanel);
    to.add({[panels](Run& run) { return Work{panels * active(run)}; },
            [this, &bank, panels, lookup = to.lookup](Run& run, Worker&, int64_t begin, int64_t end) {
              int64_t base = 0, first = 0;
              for (size_t expert = 0; expert < run.ends.size(); first = run.ends[expert++]) {
                if (run.ends[expert] == first) continue;
                const int64_t from = std::max(begin - base, int64_t{0}), until = std::min(end - base, panels);
                if (from < until) run_panels(run, bank, static_cast<int>(expert), lookup, from, until, first);
                base += panels;
              }
            }});
  }

  void run_panels(Run& run, const Bank& bank, int expert, bool lookup, int64_t begin, int64_t end,
                  int64_t first) const {
    const Weight& weight = run.model.weights()[bank.weights[expert]];
    const auto y = [&](int64_t i) { return run.row(bank.out, 0) + run.slots[i] * bank.rows; };
    if (weight.is_table)
      return table_panels(run.kernels, weight.table, run.codes.view(), nullptr, lookup, begin, end, first,
                          run.ends[expert], y);
    for (int64_t i = first; i < run.ends[expert]; ++i)
      run.kernels.float_linear(weight.floats, run.inputs.data() + i * cols_, cols_, 1, begin * kPanel,
                               std::min(end * kPanel, bank.rows), nullptr, y(i), bank.rows);
  }

  void sort(Run& run) const {
    const int64_t slots = run.rows(chosen_) * top_;
    const int32_t* chosen = run.row<int32_t>(chosen_, 0);
    run.ends.assign(run.model.value(chosen_).high + 1, 0);
    for (int64_t slot = 0; slot < slots; ++slot) ++run.ends[chosen[slot]];
    int64_t sum = 0;
    for (int64_t& end : run.ends) sum = std::exchange(end, sum) + sum;  // where every expert's slots begin
    run.slots.resize(slots);
    for (int64_t slot = 0; slot < slots; ++slot) run.slots[run.ends[chosen[slot]]++] = static_cast<int32_t>(slot);
  }

  void gather(Run& run) const {
    run.inputs.resize(run.slots.size() * cols_);
    for (size_t i = 0; i < run.slots.size(); ++i) {
      const int64_t row = each_slot_ ? run.slots[i] : run.slots[i] / top_;
      std::copy_n(run.row(input_, 0) + row * cols_, cols_, run.inputs.data() + i * cols_);
    }
  }

  void tap(Run& run, const Bank& bank) const {
    int64_t first = 0;
    for (size_t expert = 0; expert < run.ends.size(); first = run.ends[expert++])
      if (run.ends[expert] > first)
        run.tap(bank.weights[expert], run.inputs.data() + first * cols_, run.ends[expert] - first);
  }

  static int64_t expert_of(const Run& run, int64_t i) {
    return std::upper_bound(run.ends.begin(), run.ends.end(), i) - run.ends.begin();
  }

  static int64_t active(const Run& run) {
    int64_t count = 0, first = 0;
    for (const int64_t end : run.ends) count += end > std::exchange(first, end);
    return count;
  }

  int input_, chosen_;
  int64_t top_, cols_ = 0;
  bool each_slot_ = false;  // the input has a row for every slot, not only for every position
  const Weight* table_ = nullptr;
  std::vector<Bank> banks_;
};

const Registered<ProjectRouted> kRegistered("project_routed");

}  // namespace
}  // namespace tabulae
