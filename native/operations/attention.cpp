// Causal grouped-query attention over the keys and values of every position, [kv_heads][context][head] each.
#include <algorithm>
#include <cstring>

#include "graph/plain_read.h"

namespace tabulae {
namespace {

class Attention final : public Operation {
 public:
  Attention(const Fields& fields, Model& model)
      : q_(fields.index("q")),
        k_(fields.index("k")),
        v_(fields.index("v")),
        out_(fields.index("out")),
        keys_(fields.index("keys")),
        values_(fields.index("values")),
        slopes_(fields.index("slopes")),
        heads_(fields.integer("heads")),
        kv_heads_(fields.integer("kv_heads")),
        head_(fields.integer("head")),
        window_(fields.integer("window", 0)),
        scale_(fields.number("scale")),
        cap_(fields.has("cap") ? fields.number("cap") : 0.0f) {
    require(cap_ >= 0 && (cap_ == 0 || slopes_ == kNone), "attention", "a cap must be positive, and without slopes");
    const auto small = [](int64_t n) { return n > 0 && n < (int64_t{1} << 24); };
    require(small(heads_) && small(kv_heads_) && small(head_) && heads_ % kv_heads_ == 0, "attention",
            "heads must be a multiple of the key/value heads", heads_, kv_heads_);
    model.same(q_, out_);
    model.same(k_, v_);
    require(model.width(q_) == heads_ * head_, "attention", "queries must be heads wide", model.width(q_),
            heads_ * head_);
    require(model.width(k_) == kv_heads_ * head_, "attention", "keys must be heads wide", model.width(k_),
            kv_heads_ * head_);
    require(window_ >= 0, "attention", "the window must not be negative");
    require(keys_ != values_, "attention", "keys and values must be two states");
    for (const int state : {keys_, values_})
      require(model.state(state).width == model.width(k_) && model.state(state).per_position, "attention",
              "states must keep the keys and values of every position");
    for (const int value : {q_, k_})
      require(model.value(value).axis == Axis::kPositions, "attention", "it must come before the selection");
    if (slopes_ != kNone) model.vector_of(slopes_, heads_);
  }

  void stages(Stages& to) const override {
    to.add({[this](Run& run) {
              keep(run);
              int64_t last = 0;
              for (const Place& place : run.places) last = std::max(last, place.position);
              return Work{run.n * heads_, last < 128 && run.n == 1 ? heads_ : 1};
            },
            [this](Run& run, Worker& worker, int64_t begin, int64_t end) {
              for (int64_t task = begin; task < end; ++task) attend(run, worker, task / heads_, task % heads_);
            }});
  }

  void read(Reads& reads) const override {
    const int64_t count = window_ ? std::min(reads.cached, window_) : reads.cached;
    reads.share(kv_heads_, [&](int64_t kv, Reader& reader) {
      const int64_t first = at(reads.sequence, kv, reads.cached - count);
      for (const int state : {keys_, values_}) reader.read(reads.sequence.state(state) + first, count * head_);
    });
  }

 private:
  int64_t at(const Sequence& sequence, int64_t kv, int64_t position) const {
    return (kv * sequence.context() + position) * head_;
  }

  // Keys and values of this run into the states.
  void keep(Run& run) const {
    for (int64_t i = 0; i < run.n; ++i)
      for (int64_t kv = 0; kv < kv_heads_; ++kv)
        for (const auto& [state, value] : {std::pair(keys_, k_), std::pair(values_, v_)}) {
          const auto& [sequence, position] = run.places[i];
          std::memcpy(sequence->state(state) + at(*sequence, kv, position), run.row(value, i) + kv * head_,
                      head_ * sizeof(float));
        }
  }

  void attend(Run& run, Worker& worker, int64_t i, int64_t head) const {
    const auto& [sequence, last] = run.places[i];
    const int64_t kv = head / (heads_ / kv_heads_), first = window_ ? std::max(int64_t{0}, last - window_ + 1) : 0;
    worker.scratch.resize(std::max(static_cast<int64_t>(worker.scratch.size()), last + 1 + 2 * 16));
    run.kernels.attention({.q = run.row(q_, i) + head * head_,
                           .keys = sequence->state(keys_) + at(*sequence, kv, 0),
                           .values = sequence->state(values_) + at(*sequence, kv, 0),
                           .scores = worker.scratch.data(),
                           .out = run.row(out_, i) + head * head_,
                           .first = first,
                           .last = last,
                           .head = head_,
                           .scale = scale_,
                           .slope = slopes_ == kNone ? nullptr : run.vector(slopes_) + head,
                           .cap = cap_});
  }

  int q_, k_, v_, out_, keys_, values_, slopes_;
  int64_t heads_, kv_heads_, head_, window_;  // window_ 0: none
  float scale_, cap_;                         // cap_ 0: none
};

const Registered<Attention> kRegistered("attention");

}  // namespace
}  // namespace tabulae
