// Rotary positions, in place. Cosines and sines are made once a run for all operations that turn alike.
#include "graph/run.h"

namespace tabulae {
namespace {

class Rotary final : public Operation {
 public:
  Rotary(const Fields& fields, Model& model)
      : buffer_(fields.index("buffer")),
        inv_freq_(fields.index("inv_freq")),
        long_freq_(fields.index("long")),
        head_(fields.integer("head")),
        original_(fields.integer("original")),
        scale_(fields.number("scale")),
        half_(model.weight(inv_freq_).cols()) {
    model.vector_of(inv_freq_, half_);
    if (long_freq_ != kNone) model.vector_of(long_freq_, half_);
    require(head_ > 0 && 2 * half_ <= head_ && model.width(buffer_) % head_ == 0, "rotary",
            "heads must fill the value and hold the turned columns", head_, model.width(buffer_));
    require(model.value(buffer_).axis == Axis::kPositions, "rotary", "it must come before the selection");
  }

  void stages(Stages& to) const override {
    to.add({[this](Run& run) {
              turns(run);
              return Work{run.rows(buffer_), 4};
            },
            [this](Run& run, Worker&, int64_t begin, int64_t end) {
              const Run::Turns& turn = turns(run);
              for (int64_t i = begin; i < end; ++i)
                for (int64_t head = 0; head < run.model.width(buffer_); head += head_)
                  run.kernels.rotary(run.row(buffer_, i) + head, turn.cosines.data() + i * half_,
                                     turn.sines.data() + i * half_, half_);
            }});
  }

 private:
  // Those of this run; made where they are not known yet, before the threads begin.
  const Run::Turns& turns(Run& run) const {
    for (const Run::Turns& known : run.turns)
      if (known.inv_freq == inv_freq_ && known.long_freq == long_freq_ && known.scale == scale_) return known;
    std::vector<float> angles(run.n * half_);
    for (int64_t i = 0; i < run.n; ++i) {
      const auto& [sequence, position] = run.places[i];
      const bool is_long = long_freq_ != kNone && sequence->context() > original_;
      const float* inv_freq = run.vector(is_long ? long_freq_ : inv_freq_);
      for (int64_t j = 0; j < half_; ++j) angles[i * half_ + j] = static_cast<float>(position) * inv_freq[j];
    }
    Run::Turns made{inv_freq_, long_freq_, scale_, std::vector<float>(angles.size()),
                    std::vector<float>(angles.size())};
    run.kernels.sine(angles.data(), static_cast<int64_t>(angles.size()), made.cosines.data(), made.sines.data());
    for (float& cosine : made.cosines) cosine *= scale_;
    for (float& sine : made.sines) sine *= scale_;
    return run.turns.emplace_back(std::move(made));
  }

  int buffer_, inv_freq_, long_freq_;  // long_freq_: in place of inv_freq_ where there is room for more than original_
  int64_t head_, original_;
  float scale_;  // of cosines and sines
  int64_t half_;
};

const Registered<Rotary> kRegistered("rotary");

}  // namespace
}  // namespace tabulae
