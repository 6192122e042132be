// One run of a graph: some positions of one or several sequences, and the memory that they pass through. What a
// position gives does not depend on the others, on threads, on the ISA or on the arithmetic.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "graph/activations.h"
#include "graph/model.h"

namespace tabulae {

// An input of a linear is NaN or infinite.
struct NotFinite : std::domain_error {
  using std::domain_error::domain_error;
};

// May change the n inputs [cols] of the linear `weight` in place.
using Tap = std::function<void(int weight, float* x, int64_t n, int64_t cols)>;

// What is kept of one sequence: an array for every state, of as many positions as it has room for.
class Sequence {
 public:
  Sequence(const Model& model, int64_t context);
  Sequence(const Sequence&) = delete;
  int64_t context() const { return context_; }
  const Model& model() const { return model_; }
  float* state(int index) { return static_cast<float*>(states_[index].get()); }

 private:
  using Memory = std::unique_ptr<void, void (*)(void*)>;
  const Model& model_;
  const int64_t context_;
  std::vector<Memory> states_;
};

// Memory of one thread.
struct Worker {
  ActivationMemory codes;
  std::vector<float> scratch;
  std::vector<uint8_t> small;  // small integers of some points
  int64_t round = 0;           // of the last stage before which it repeated others
};

struct Part {  // consecutive positions of one sequence
  Sequence* sequence;
  int64_t n;
  int64_t start;   // absolute position of the first
  int64_t wanted;  // the first whose outputs are asked for, n: none
};

struct Place {
  Sequence* sequence;
  int64_t position;
};

class Run {
 public:
  Run(const Model& model, const Kernels& kernels, int64_t batch);
  void begin(const std::vector<Part>& parts, const std::vector<Tap>& taps);

  int64_t rows(int value) const { return model.values()[value].axis == Axis::kPositions ? n : wanted; }
  template <class T = float>
  T* row(int value, int64_t i) {
    return static_cast<T*>(values_[value]) + i * model.values()[value].width;
  }
  const float* vector(int weight) const { return weight == kNone ? nullptr : model.weights()[weight].floats.data; }
  void tap(int weight, float* x, int64_t rows) const;

  const Model& model;
  const Kernels& kernels;
  std::vector<Part> parts;
  std::vector<Place> places;    // by position of the batch
  std::vector<int64_t> picked;  // the positions of the batch that are wanted
  int64_t n = 0, wanted = 0;

  // What operations hand from one stage to the next.
  ActivationMemory codes, dealt;  // of inputs; for experts: of slots, sorted
  std::vector<float> inputs;      // tapped or gathered
  std::vector<int32_t> slots;     // for experts: position * top + choice, sorted by expert
  std::vector<int64_t> ends;      // of the slots of every expert
  struct Turns {                  // cosines and sines of one kind of Rotary for the positions of the batch
    int inv_freq, long_freq;
    float scale;
    std::vector<float> cosines, sines;
  };
  std::vector<Turns> turns;
  std::atomic<bool> finite{true};  // false: an input of a linear is not

 private:
  std::vector<std::unique_ptr<void, void (*)(void*)>> memory_;  // by buffer
  std::vector<void*> values_;                                   // where each begins
  const std::vector<Tap>* taps_ = nullptr;                      // by weight
};

}  // namespace tabulae
