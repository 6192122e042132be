#include "graph/engine.h"

#include <algorithm>
#include <cstring>

namespace tabulae {

Engine::Engine(const Model& model, int threads, Arithmetic arithmetic, const Kernels& kernels)
    : model_(model),
      arithmetic_(arithmetic),
      threads_(threads),
      workers_(threads),
      run_(model, kernels, kBatch),
      program_(program({})) {}

Engine::Turn::Turn(std::atomic<int>& running) : running_(running) {
  int seen = running_.load();
  const int mine = forks() + 1;
  if (seen == mine || !running_.compare_exchange_strong(seen, mine))
    throw Busy("[session] one call must end before the next begins");
}

Engine::Program Engine::program(const std::vector<Tap>& taps) const {
  std::vector<bool> tapped(model_.weights().size());
  for (size_t i = 0; i < taps.size(); ++i) tapped[i] = static_cast<bool>(taps[i]);
  Program program;
  for (const auto& operation : model_.operations()) {
    Stages stages(model_, run_.kernels, tapped, arithmetic_ == Arithmetic::kLookup, program.emplace_back());
    operation->stages(stages);
  }
  return program;
}

void Engine::run(const Call& call) {
  const Turn turn(running_);
  const FloatMode mode;
  run_.begin(call.parts, call.taps);
  const auto bytes = [&](int value) { return run_.rows(value) * model_.values()[value].bytes(); };
  for (const Given& given : call.given) std::memcpy(run_.row<char>(given.value, 0), given.rows, bytes(given.value));
  run_stages(call.taps.empty() ? program_ : program(call.taps), call.begin, call.end);
  for (const Asked& asked : call.asked)  // of no rows there is no array
    if (bytes(asked.value)) std::memcpy(asked.rows, run_.row<char>(asked.value, 0), bytes(asked.value));
}

void Engine::run_stages(const Program& program, int64_t begin, int64_t end) {
  std::vector<Repeated> repeated;
  for (int64_t i = begin; i < end; ++i)
    for (const Stage& stage : program[i]) {
      if (stage.repeated && stage.repeated(run_)) {
        repeated.push_back({&stage, stage.work(run_).items});
        continue;
      }
      const Work work = stage.work(run_);
      if (work.items == 0) continue;
      run_stage(stage, work, repeated);
      repeated.clear();
    }
}

void Engine::run_stage(const Stage& stage, const Work& work, const std::vector<Repeated>& repeated) {
  const int64_t round = ++round_;
  threads_.run(work.items, work.grain, [&](int thread, int64_t begin, int64_t end) {
    Worker& worker = workers_[thread];
    if (worker.round != round)
      for (const auto& [first, items] : repeated) first->body(run_, worker, 0, items);
    worker.round = round;
    stage.body(run_, worker, begin, end);
  });
  if (!run_.finite) throw NotFinite("[run] inputs of a linear must be finite, but got NaN or infinity");
}

}  // namespace tabulae
