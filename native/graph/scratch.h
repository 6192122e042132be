// What the matrices of some inputs ask to have prepared of each: places in the scratch of an input, known before
// anything runs.
#pragma once

#include <vector>

#include "core/kernels.h"

namespace tabulae {

class Scratch {
 public:
  Scratch() = default;  // of nothing
  explicit Scratch(const TableKernel& kernel) : kernel_(&kernel) {}

  // Room for a matrix: where it begins (TableTask::scratch). Of several, one of which reads an input (those of
  // experts), the room is that of the largest; none at all stands for a matrix of floats.
  int64_t add(const std::vector<const TableMatrix*>& alternatives);
  int64_t bytes() const { return bytes_; }

  void prepare(const Activations& x, int64_t position, size_t alternative = 0) const;

 private:
  struct Piece {
    std::vector<const TableMatrix*> alternatives;
    std::vector<Request> requests;  // of each
    int64_t begin;
  };

  const TableKernel* kernel_ = nullptr;
  std::vector<Piece> pieces_;
  int64_t bytes_ = 0;
};

}  // namespace tabulae
