// Linears of experts. A *slot* is a position's choice, position * top + choice; slots are sorted by expert, so that
// those of one expert are consecutive inputs of its linears, and every result goes back to its slot. A row of the input
// is encoded once; its codes are dealt to every slot that reads it.
#include <algorithm>
#include <span>
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
    sharing_ = top_ * cols_ / width;
  }

  void stages(Stages& to) const override {
    const auto tapped = [&](const Bank& bank) {
      return std::any_of(bank.weights.begin(), bank.weights.end(), [&](int weight) { return to.tapped[weight]; });
    };
    if (std::none_of(banks_.begin(), banks_.end(), tapped)) return add_banks(to, banks_, false);
    for (const Bank& bank : banks_) add_banks(to, {&bank, 1}, true);
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

  // Banks that read the same inputs. A tap sees, and may change, those of every slot of one bank: copies of its rows.
  void add_banks(Stages& to, std::span<const Bank> banks, bool tapped) const {
    to.add({[this, banks, tapped](Run& run) {
              sort(run);
              if (tapped) gather(run), tap(run, banks[0]);
              return Work{0};
            },
            {}});
    Scratch scratch(to.kernels, to.lookup);
    std::vector<int64_t> places;
    for (const Bank& bank : banks) places.push_back(scratch.add(tables_of(to.model, bank)));
    if (table_) add_codes(to, std::move(scratch), tapped);
    for (size_t i = 0; i < banks.size(); ++i) add_panels(to, banks[i], places[i], tapped);
  }

  // Codes of all rows, then of all slots.
  void add_codes(Stages& to, Scratch scratch, bool tapped) const {
    const auto count = [this, tapped](Run& run) {
      const auto slots = static_cast<int64_t>(run.slots.size());
      return tapped ? slots : slots / sharing_;
    };
    add_encoding(to, *table_, {count, [this, tapped](Run& run, int64_t i) { return row(run, i, tapped); }}, {}, false);
    to.add({[this, bytes = scratch.bytes()](Run& run) {
              const auto slots = static_cast<int64_t>(run.slots.size());
              run.dealt.resize(slots, cols_, bytes);
              return Work{slots, bytes ? 4 : 64};  // to copy codes is little work
            },
            [this, tapped, scratch = std::move(scratch)](Run& run, Worker&, int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) {
                run.dealt.copy(i, run.codes.view(), row_of(run, i, tapped));
                scratch.prepare(run.dealt.view(), i, expert_of(run, i));
              }
            }});
  }

  void add_panels(Stages& to, const Bank& bank, int64_t place, bool tapped) const {
    const int64_t panels = ceil_div(bank.rows, kPanel);
    to.add({[panels](Run& run) { return Work{panels * active(run)}; },
            [=, this, &bank, lookup = to.lookup](Run& run, Worker&, int64_t begin, int64_t end) {
              int64_t base = 0, first = 0;
              for (size_t expert = 0; expert < run.ends.size(); first = run.ends[expert++]) {
                const int64_t count = run.ends[expert] - first;
                if (count == 0) continue;
                const int64_t from = std::max(begin - base, int64_t{0}), until = std::min(end - base, panels);
                const Weight& weight = run.model.weights()[bank.weights[expert]];
                if (from < until && weight.is_table)
                  table_panels(run.kernels, lookup,
                               {weight.table, run.dealt.view(), place, from, until - from, first, count}, nullptr,
                               [&](int64_t i) { return out(run, bank, i); });
                else if (from < until)
                  float_panels(run, bank, weight.floats, from, until, first, count, tapped);
                base += panels;
              }
            }});
  }

  void float_panels(Run& run, const Bank& bank, const FloatMatrix& weight, int64_t begin, int64_t end, int64_t first,
                    int64_t count, bool tapped) const {
    for (int64_t i = first; i < first + count; ++i)
      run.kernels.float_linear(weight, row(run, row_of(run, i, tapped), tapped), cols_, 1, begin * kPanel,
                               std::min(end * kPanel, bank.rows), nullptr, out(run, bank, i), bank.rows);
  }

  // The row that the i-th slot reads, and where it stands; where the slot's results go.
  int64_t row_of(const Run& run, int64_t i, bool tapped) const { return tapped ? i : run.slots[i] / sharing_; }
  const float* row(Run& run, int64_t index, bool tapped) const {
    return (tapped ? run.inputs.data() : run.row(input_, 0)) + index * cols_;
  }
  static float* out(Run& run, const Bank& bank, int64_t i) { return run.row(bank.out, 0) + run.slots[i] * bank.rows; }

  static std::vector<const TableMatrix*> tables_of(const Model& model, const Bank& bank) {
    std::vector<const TableMatrix*> tables;
    for (const int index : bank.weights) {
      const Weight& weight = model.weights()[index];
      tables.push_back(weight.is_table ? &weight.table : nullptr);
    }
    return tables;
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
    for (size_t i = 0; i < run.slots.size(); ++i)
      std::copy_n(row(run, run.slots[i] / sharing_, false), cols_, run.inputs.data() + i * cols_);
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
  int64_t sharing_ = 1;  // slots that read one row [cols] of the input: 1, or all of a position
  const Weight* table_ = nullptr;
  std::vector<Bank> banks_;
};

const Registered<ProjectRouted> kRegistered("project_routed");

}  // namespace
}  // namespace tabulae
