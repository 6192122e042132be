// Linears by tables, in the form that is fastest for the tables that are really there; all give the same integers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/kernels.h"

namespace tabulae {

// A linear as it is stored. Rows and columns are those of a group; every number was checked: a table exists for every
// edge, and no code of an input is too large for one.
struct Edges {
  int64_t groups, rows, columns, codes;
  int64_t tables;
  const int32_t* entries;  // [tables][codes]
  const int32_t* select;   // [groups][rows][columns], or none: every edge has a table of its own

  int64_t count() const { return groups * rows * columns; }
  int64_t table(int64_t edge) const { return select ? select[edge] : edge; }
  int64_t inputs() const { return groups * columns; }
  int64_t outputs() const { return groups * rows; }
};

// Some outputs of a linear for some points.
struct Points {
  const int32_t* x;  // [count][inputs]
  int64_t count;
  int64_t begin, end;  // outputs
  int32_t* sums;       // [count][outputs]; what is found is added to them
};

class TabledLinear {
 public:
  TabledLinear(const Edges& edges, const Kernels& kernels) : edges_(edges), kernels_(kernels) {}
  virtual ~TabledLinear() = default;
  virtual void add(const Points& points, std::vector<uint8_t>& scratch) const = 0;

 protected:
  const Edges edges_;
  const Kernels& kernels_;
};

std::unique_ptr<const TabledLinear> make_tabled(const Edges& edges, const Kernels& kernels);

}  // namespace tabulae
