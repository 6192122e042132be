// Runs a Model on one sequence: scratch buffers, the key/value cache, threads. What a position gives does not depend
// on the batch it came in, on threads, on the ISA or on the arithmetic.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/threads.h"
#include "decoder/activations.h"
#include "decoder/model.h"

namespace tabulae {

// An input of a linear is NaN or infinite.
struct NotFinite : std::domain_error {
  using std::domain_error::domain_error;
};

// A sequence is called while it runs: by a tap, or from another thread.
struct Busy : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Arithmetic { kMultiply, kLookup };

// May change the n inputs [cols] of the linear `weight` in place.
using Tap = std::function<void(int weight, float* x, int64_t n, int64_t cols)>;

class Executor {
 public:
  static constexpr int64_t kBatch = 64;  // positions of one pass over the weights

  Executor(const Model& model, int64_t context, int threads, Arithmetic arithmetic, const Kernels& kernels);

  // tokens[n] at positions start, start + 1, ..; n <= kBatch; logits of the positions from `wanted` on:
  // [n - wanted][vocabulary]. Throws NotFinite, and Busy.
  void forward(const int32_t* tokens, int64_t n, int64_t start, int64_t wanted, float* logits);

  // Reads what one token reads with `cached` positions in the cache, weights and cache, and computes nothing: the
  // number of bytes. Throws Busy.
  int64_t read_plainly(int64_t cached);

  void tap(int weight, Tap callback);  // throws Busy
  int64_t context() const { return context_; }
  const Model& model() const { return model_; }

 private:
  struct Run;   // what one forward is about
  class Turn {  // only one call at a time; what a fork interrupted does not run in the child
   public:
    explicit Turn(std::atomic<int>& running);
    ~Turn() { running_ = 0; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::atomic<int>& running_;
  };
  struct Cache {
    std::unique_ptr<float[], void (*)(void*)> keys, values;
  };
  struct Turns {  // cosines and sines of one Rotary for the positions of a batch
    int inv_freq;
    float scale;
    std::vector<float> cosines, sines;
  };

  void run(const Embed&, Run&);
  void run(const EmbedPosition&, Run&);
  void run(const RmsNorm&, Run&);
  void run(const LayerNorm&, Run&);
  void run(const Project&, Run&);
  void run(const Rotary&, Run&);
  void run(const Attention&, Run&);
  void run(const Activate&, Run&);
  void run(const Add&, Run&);
  void run(const SoftCap&, Run&);
  void run(const Select&, Run&);

  float* row(int buffer, int64_t i) { return buffers_[buffer].data() + i * model_.buffers()[buffer]; }
  const float* vector(int weight) const { return weight == kNone ? nullptr : model_.weights()[weight].floats.data; }
  const float* bias(const Linear& linear) const {
    return linear.bias == kNone ? nullptr : vector(linear.bias) + linear.first;
  }
  float* out(const Linear& linear) { return row(linear.out, 0) + linear.first; }
  template <class Body>
  void each_position(Run& run, Body&& body);
  const Turns& turns(const Rotary& op, const Run& run);
  void encode(const Weight& weight, const float* x, int64_t n);
  void linears(const Linear* linear, int64_t count, const float* x, int64_t n);
  void table_panels(const Linear& linear, int64_t begin, int64_t end, int64_t n);
  void prepare(const TableMatrix& matrix, int64_t n);
  void embed_row(const Weight& weight, int64_t index, float* out) const;

  const Model& model_;
  const int64_t context_;
  const Arithmetic arithmetic_;
  const Kernels& kernels_;
  Threads threads_;
  std::vector<std::vector<float>> buffers_;
  std::vector<Cache> caches_;
  std::vector<PanelKernel> panel_kernels_;  // by weight
  std::vector<Turns> turns_;
  std::vector<Tap> taps_;  // by weight
  ActivationMemory memory_;
  Activations& activations_ = memory_.view();
  const int32_t* prepared_ = nullptr;  // the products of which activations_.tables are made
  std::vector<float> rotated_;
  std::atomic<int> running_{0};  // 1 + forks() of the process in which a call runs; 0: none does
};

}  // namespace tabulae
