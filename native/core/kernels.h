// The one table of native routines. Each ISA fills one such table (kernels/README.md says how one is added); `select`
// picks it once, when a model is loaded.
#pragma once

#include <string>
#include <vector>

#include "core/types.h"

namespace tabulae {

// The integers A (docs/architecture.md, "The arithmetic", 4) of the 16 rows of a panel for some positions.
struct Tile {
  int64_t panel, first, count;
  const int64_t (*totals)[kPanel];  // [count][16]
};

// Some rows of a table linear for some positions. A kernel cuts this into tiles as it likes, in any order, and hands
// each over: it needs memory for one tile, and nobody else knows its shape.
struct TableTask {
  const TableMatrix& w;
  const Activations& x;
  int64_t scratch;        // where the matrix's part begins in the scratch of a position
  int64_t panel, panels;  // rows: this many panels of 16 from this one on
  int64_t first, count;   // positions: of the activations, as many from this one on
  void (*take)(void* taker, const Tile&) = nullptr;
  void* taker = nullptr;
  TABULAE_INLINE_MEMBER const uint8_t* prepared(int64_t position) const {
    return x.scratch + position * x.stride + scratch;
  }
};

// What a kernel asks for beside the codes of an input. It is made of these codes and of what stands at `from` alone, so
// that matrices of the same `from` share it.
struct Request {
  int64_t bytes = 0;  // for one position; 0: nothing
  const void* from = nullptr;
};

using TablePanels = void (*)(const TableTask&);
struct TableKernel {
  TablePanels panels = nullptr;
  // Both or none. An input is prepared once, as soon as it is encoded; panels find it at TableTask::prepared.
  Request (*request)(const TableMatrix&) = nullptr;
  void (*prepare)(const TableMatrix&, const Activations&, int64_t position, uint8_t* scratch) = nullptr;
};

struct TableKernels {  // that read one layout
  const Layout* layout = nullptr;
  TableKernel multiply = {}, lookup = {};
};
inline constexpr int kMostLayouts = 4;

struct AttentionTask {
  const float* q;       // [head]
  const float* keys;    // [positions][head]
  const float* values;  // [positions][head]
  float* scores;        // scratch [positions, padded to 16]
  float* out;           // [head]
  int64_t first, last;  // range of absolute positions, inclusive
  int64_t head;
  float scale;
  const float* slope;  // ALiBi, or none
  float cap;           // of scores, or 0; not with a slope
};

// Some rows of an integer matrix for some inputs, points of a net: y[i][row] += sum_j x[i][j] w[row][j].
inline constexpr int64_t kDotColumns = 32;  // columns are filled up with zeros to multiples of these
template <class Value, class Weight>
struct DotTask {
  const Value* x;  // [points][columns], a stride apart
  int64_t points, x_stride;
  const Weight* w;  // [rows][columns]
  int64_t rows, columns;
  int32_t* y;  // [points][rows], a stride apart
  int64_t y_stride;
  int64_t pairs = 1;  // so many sums of two products are a sum of 16 bits
};

// Some rows of tables that edges do not share: y[i][row] += sum_j entries[j][x[i][j]][row].
template <class T>
struct EntryTask {
  const int32_t* x;  // [points][columns], a stride apart, each below `codes`
  int64_t points, x_stride;
  int64_t columns, codes;
  const T* entries;  // [columns][codes][stride]
  int64_t rows, stride;
  int32_t* y;  // [points][rows], a stride apart
  int64_t y_stride;
};

enum class Function { kSilu, kGelu, kGeluTanh, kRelu };

struct Kernels {
  const char* isa;
  // False where an input is not finite.
  bool (*encode)(const float* x, int64_t index, int exponents, Activations& out);
  TableKernels tables[kMostLayouts];
  // y[row] = totals[row - 16 panel] * (row scale * s) (+ bias[row]) for the rows of a panel at one position
  void (*finish)(const TableMatrix&, const Activations&, int64_t panel, int64_t position, const int64_t totals[kPanel],
                 const float* bias, float* y);
  void (*float_linear)(const FloatMatrix&, const float* x, int64_t x_stride, int64_t n, int64_t row_begin,
                       int64_t row_end, const float* bias, float* y, int64_t y_stride);
  void (*rms_norm)(const float* x, const float* gain, int64_t n, float eps, float* y);
  void (*layer_norm)(const float* x, const float* gain, const float* bias, int64_t n, float eps, float* y);
  void (*rotary)(float* x, const float* cosines, const float* sines, int64_t half);
  void (*attention)(const AttentionTask&);
  void (*activate)(Function, const float* x, const float* up, int64_t n, float* y);  // up: gated, or none
  void (*soft_cap)(float* x, float cap, int64_t n);
  void (*add)(const float* a, const float* b, int64_t n, float* y);
  void (*sine)(const float* angle, int64_t n, float* cosine, float* sine);
  void (*polynomial)(const char* name, const float* x, int64_t n, float* y);  // for tests: exp, tanh, erf, sin, cos

  // Of nets of integers; sums are modulo 2^32.
  void (*dots16)(const DotTask<int16_t, int16_t>&);
  void (*dots8)(const DotTask<uint8_t, int8_t>&);  // none: integers of 16 bits are as fast
  void (*add_entries16)(const EntryTask<int16_t>&);
  void (*add_entries32)(const EntryTask<int32_t>&);
  // out[c] = how many of the levels of channel c are <= x[c]; thresholds [blocks of 16 channels][levels][16]
  void (*count)(const int32_t* thresholds, int64_t levels, const int32_t* x, int64_t channels, int32_t* out);

  // Those of a layout, for an ISA to replace while its table is made.
  constexpr TableKernels& of(const Layout& layout) {
    for (TableKernels& one : tables)
      if (one.layout == &layout) return one;
    throw "a line for every layout must stand in plain.inl";
  }
  // The kernel for a matrix; throws where none reads its layout.
  const TableKernel& table(const TableMatrix& w, bool lookup) const;
};

// An ISA makes itself known as the core is loaded, from a file that is compiled for any machine (kernels/cpu_NAME.cpp).
struct Isa {
  int rank;  // the highest that runs here is taken
  const Kernels* kernels;
  bool (*runs_here)();
};
bool enlist(const Isa&);

// Gives every tile of a task to take(tile).
template <class Take>
void table_linear(const TableKernel& kernel, TableTask task, Take take) {
  task.take = [](void* taker, const Tile& tile) { (*static_cast<Take*>(taker))(tile); };
  task.taker = &take;
  kernel.panels(task);
}

std::vector<std::string> available_isas();           // best first
const Kernels& select(const std::string& isa = "");  // "" : TABULAE_ISA, else the best; throws on an unknown name

}  // namespace tabulae
