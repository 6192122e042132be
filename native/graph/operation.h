// What an operation is natively: fields that are checked once, and stages that run them. Each is one file in
// operations/, which registers itself under its tag; nothing else knows it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/fields.h"

namespace tabulae {

class Model;
class Run;
class Reads;
struct Kernels;
struct Worker;

struct Work {
  int64_t items;
  int64_t grain = 1;  // items that stay together; no more than these, and the calling thread does them alone
};

// A part of an operation whose items may be done in any order, by any thread. The next stage begins when all are done.
struct Stage {
  std::function<Work(Run&)> work;  // asked just before it begins; also the place for what is too short to be shared
  std::function<void(Run&, Worker&, int64_t begin, int64_t end)> body;
  // Where it says so, every thread repeats all items in memory of its own instead, and goes on to the next stage
  // without waiting for the others.
  std::function<bool(const Run&)> repeated = {};
};

class Stages {
 public:
  Stages(const Model& model, const Kernels& kernels, const std::vector<bool>& tapped, bool lookup,
         std::vector<Stage>& list)
      : model(model), kernels(kernels), tapped(tapped), lookup(lookup), list_(list) {}
  void add(Stage stage) { list_.push_back(std::move(stage)); }
  // One item for every position of a value. Small work stays on the calling thread: waking another one costs more.
  void each_position(int value, std::function<void(Run&, int64_t i)> body);
  // One item for every point of a value of integers, the channels at one place of one position: of a single large
  // position threads share the places. `cost`: steps for one channel.
  void each_point(int value, int64_t cost, std::function<void(Run&, int64_t begin, int64_t end)> body);

  const Model& model;
  const Kernels& kernels;
  const std::vector<bool>& tapped;  // by weight
  const bool lookup;                // tables are read by look-up

 private:
  std::vector<Stage>& list_;
};

// So many steps stay on one thread: waking another one costs as much.
inline constexpr int64_t kFewSteps = 1 << 15;

class Operation {
 public:
  virtual ~Operation() = default;
  virtual void stages(Stages& to) const = 0;
  virtual void read(Reads&) const {}  // what decoding a token reads of weights and states: graph/plain_read.h
};

// Checks fields against the model, whose weights, values and states are all there. Throws std::invalid_argument.
using Make = std::unique_ptr<Operation> (*)(const Fields&, Model&);
void enlist(const std::string& tag, Make make);
std::unique_ptr<Operation> make_operation(const std::string& tag, const Fields& fields, Model& model);

template <class T>
struct Registered {
  explicit Registered(const char* tag) {
    enlist(tag, [](const Fields& fields, Model& model) -> std::unique_ptr<Operation> {
      return std::make_unique<T>(fields, model);
    });
  }
};

}  // namespace tabulae
