// What the matrices of some inputs ask to have prepared of each: places in the scratch of an input, known before
// anything runs.
#pragma once

#include <vector>

#include "core/kernels.h"

namespace tabulae {

class Scratch {
 public:
  Scratch() = default;  // of nothing
  Scratch(const Kernels& kernels, bool lookup) : kernels_(&kernels), lookup_(lookup) {}

  // Room for a matrix: where it begins (TableTask::scratch). Of several, one of which reads an input (those of
  // experts), the room is that of the largest; none at all stands for a matrix of floats.
  int64_t add(const std::vector<const TableMatrix*>& alternatives);
  int64_t bytes() const { return bytes_; }
  int64_t with(const std::vector<const TableMatrix*>& alternatives) const;  // bytes if they were added

  void prepare(const Activations& x, int64_t position, size_t alternative = 0) const;

 private:
  struct Asked {
    const TableMatrix* matrix;
    const TableKernel* kernel;
    Request request;
    bool operator==(const Asked&) const;
  };
  struct Piece {
    std::vector<Asked> alternatives;
    int64_t begin;
  };
  Asked ask(const TableMatrix* matrix) const;

  const Kernels* kernels_ = nullptr;
  bool lookup_ = false;
  std::vector<Piece> pieces_;
  int64_t bytes_ = 0;
};

}  // namespace tabulae
