#include "graph/run.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <new>

namespace tabulae {

namespace {
// calloc: pages that nothing has reached cost nothing.
std::unique_ptr<void, void (*)(void*)> zeros(int64_t count, size_t size) {
  void* memory = std::calloc(static_cast<size_t>(count), size);
  if (!memory) throw std::bad_alloc();
  return {memory, std::free};
}
}  // namespace

Sequence::Sequence(const Model& model, int64_t context) : model_(model), context_(context) {
  for (const State& state : model.states())
    states_.push_back(zeros(state.width * (state.per_position ? context : 1), sizeof(float)));
}

Run::Run(const Model& model, const Kernels& kernels, int64_t batch) : model(model), kernels(kernels) {
  std::map<int, int64_t> largest;  // by buffer
  for (const Value& value : model.values()) largest[value.buffer] = std::max(largest[value.buffer], value.bytes());
  std::map<int, void*> begins;
  for (const auto& [buffer, bytes] : largest)
    begins[buffer] = memory_.emplace_back(zeros(batch, static_cast<size_t>(bytes))).get();
  for (const Value& value : model.values()) values_.push_back(begins[value.buffer]);
}

void Run::begin(const std::vector<Part>& of, const std::vector<Tap>& taps) {
  parts = of, taps_ = &taps;
  places.clear(), picked.clear(), turns.clear();
  for (const Part& part : parts)
    for (int64_t i = 0; i < part.n; ++i) {
      if (i >= part.wanted) picked.push_back(static_cast<int64_t>(places.size()));
      places.push_back({part.sequence, part.start + i});
    }
  n = static_cast<int64_t>(places.size()), wanted = static_cast<int64_t>(picked.size());
  finite = true;
}

void Run::tap(int weight, float* x, int64_t rows) const {
  if (const Tap& tap = (*taps_)[weight]) tap(weight, x, rows, model.weights()[weight].cols());
}

}  // namespace tabulae
