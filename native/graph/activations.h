// The memory behind the activation codes of a batch of inputs.
#pragma once

#include <vector>

#include "core/types.h"

namespace tabulae {

class ActivationMemory {
 public:
  // Room for the codes of `positions` inputs [columns]; what stood there is lost.
  void resize(int64_t positions, int64_t columns) {
    view_.n = positions, view_.cols = columns, view_.blocks = ceil_div(columns, kBlock);
    const int64_t blocks = positions * view_.blocks;
    view_.codes = grown(codes_, blocks * kBlock);
    view_.exponents = grown(exponents_, blocks);
    view_.bias = grown(bias_, blocks);
    view_.scales = grown(scales_, positions);
  }
  // Room for the product tables of a `lookup` kernel that asks for them.
  void resize_tables() { view_.tables = grown(tables_, view_.n * view_.blocks * kOctets * kTableBytes); }

  Activations& view() { return view_; }

 private:
  template <class T>
  static T* grown(std::vector<T>& memory, int64_t size) {
    if (static_cast<int64_t>(memory.size()) < size) memory.resize(size);
    return memory.data();
  }

  Activations view_;
  std::vector<int8_t> codes_;
  std::vector<int32_t> exponents_;
  std::vector<int64_t> bias_;
  std::vector<float> scales_;
  std::vector<uint8_t> tables_;
};

}  // namespace tabulae
