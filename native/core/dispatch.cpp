#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "core/kernels.h"
#include "core/layouts.h"

namespace tabulae {

namespace {

// Best first. Filled before main by kernels/cpu_*.cpp.
std::vector<Isa>& isas() {
  static std::vector<Isa> list;
  return list;
}

}  // namespace

bool enlist(const Isa& isa) {
  const auto worse = [&](const Isa& other) { return other.rank < isa.rank; };
  isas().insert(std::find_if(isas().begin(), isas().end(), worse), isa);
  return true;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : isas())
    if (isa.runs_here()) names.emplace_back(isa.kernels->isa);
  return names;
}

const Kernels& select(const std::string& wanted) {
  const char* variable = std::getenv("TABULAE_ISA");
  const std::string name = !wanted.empty() ? wanted : variable ? variable : "";
  std::string known;
  for (const Isa& isa : isas()) {
    if (!isa.runs_here()) continue;
    if (name.empty() || name == isa.kernels->isa) return *isa.kernels;
    known += known.empty() ? isa.kernels->isa : std::string(", ") + isa.kernels->isa;
  }
  throw std::invalid_argument("[isa] the instruction set must be one that this machine has, but got " + name +
                              "; accepted: " + known);
}

const TableKernel& Kernels::table(const TableMatrix& w, bool lookup) const {
  for (const TableKernels& one : tables)
    if (one.layout && one.layout == w.layout)
      if (const TableKernel& kernel = lookup ? one.lookup : one.multiply; kernel.panels) return kernel;
  throw std::invalid_argument(std::string("[layout] a kernel of ") + isa + " must read it, but got " +
                              (w.layout ? w.layout->name : "none"));
}

}  // namespace tabulae
