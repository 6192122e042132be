// Runs a Model: one set of stages, values and threads for all of its sequences.
#pragma once

#include <atomic>
#include <stdexcept>
#include <vector>

#include "core/threads.h"
#include "graph/run.h"

namespace tabulae {

// An engine is called while it runs: by a tap, or from another thread.
struct Busy : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Arithmetic { kMultiply, kLookup };

struct Given {  // all rows of a value, from outside
  int value;
  const void* rows;
};

struct Asked {  // all rows of a value, to the outside
  int value;
  void* rows;
};

struct Call {
  std::vector<Part> parts;  // of the same model; at most kBatch positions in all
  std::vector<Given> given;
  std::vector<Asked> asked;
  int64_t begin, end;     // operations
  std::vector<Tap> taps;  // by weight, or none at all
};

class Engine {
 public:
  static constexpr int64_t kBatch = 64;  // positions of one pass over the weights

  Engine(const Model& model, int threads, Arithmetic arithmetic, const Kernels& kernels);

  void run(const Call& call);  // throws NotFinite, and Busy

  // Reads what one token reads with `cached` positions in its sequence, weights and states, and computes nothing: the
  // number of bytes. Throws Busy.
  int64_t read_plainly(Sequence& sequence, int64_t cached);

  const Model& model() const { return model_; }

 private:
  class Turn {  // only one call at a time; what a fork interrupted does not run in the child
   public:
    explicit Turn(std::atomic<int>& running);
    ~Turn() { running_ = 0; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::atomic<int>& running_;
  };
  using Program = std::vector<std::vector<Stage>>;  // the stages of every operation
  struct Repeated {                                 // a stage that every thread does before the next one
    const Stage* stage;
    int64_t items;
  };

  Program program(const std::vector<Tap>& taps) const;
  void run_stages(const Program& program, int64_t begin, int64_t end);
  void run_stage(const Stage& stage, const Work& work, const std::vector<Repeated>& repeated);

  const Model& model_;
  const Arithmetic arithmetic_;
  Threads threads_;
  std::vector<Worker> workers_;
  Run run_;
  int64_t round_ = 0;            // stages run so far
  const Program program_;        // where nothing is tapped
  std::atomic<int> running_{0};  // 1 + forks() of the process in which a call runs; 0: none does
};

}  // namespace tabulae
