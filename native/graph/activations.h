// The memory behind the activation codes of a batch of inputs, and what kernels prepare of them.
#pragma once

#include <algorithm>
#include <vector>

#include "core/types.h"

namespace tabulae {

class ActivationMemory {
 public:
  // Room for the codes of `positions` inputs [columns], and so many bytes of scratch for each; what stood there is
  // lost.
  void resize(int64_t positions, int64_t columns, int64_t scratch = 0) {
    view_.n = positions, view_.cols = columns, view_.blocks = ceil_div(columns, kBlock);
    const int64_t blocks = positions * view_.blocks;
    view_.codes = grown(codes_, blocks * kBlock);
    view_.exponents = grown(exponents_, blocks);
    view_.bias = grown(bias_, blocks);
    view_.scales = grown(scales_, positions);
    view_.stride = scratch;
    view_.scratch = aligned(grown(scratch_, positions * scratch + kCacheLine - 1));
  }

  // The codes of an input from elsewhere.
  void copy(int64_t position, const Activations& from, int64_t at) {
    const int64_t blocks = view_.blocks;
    std::copy_n(from.row(at), blocks * kBlock, view_.codes + position * blocks * kBlock);
    std::copy_n(from.exponents + at * blocks, blocks, view_.exponents + position * blocks);
    std::copy_n(from.bias + at * blocks, blocks, view_.bias + position * blocks);
    view_.scales[position] = from.scales[at];
  }

  Activations& view() { return view_; }

 private:
  template <class T>
  static T* grown(std::vector<T>& memory, int64_t size) {
    if (static_cast<int64_t>(memory.size()) < size) memory.resize(size);
    return memory.data();
  }
  static uint8_t* aligned(uint8_t* memory) {
    return memory + (kCacheLine - reinterpret_cast<uintptr_t>(memory) % kCacheLine) % kCacheLine;
  }

  Activations view_;
  std::vector<int8_t> codes_;
  std::vector<int32_t> exponents_;
  std::vector<int64_t> bias_;
  std::vector<float> scales_;
  std::vector<uint8_t> scratch_;
};

}  // namespace tabulae
