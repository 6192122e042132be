#include <cstdlib>
#include <stdexcept>

#include "core/kernels.h"

namespace tabulae {

namespace generic {
extern const Kernels kKernels;
}
#if defined(TABULAE_HAS_AVX512)
namespace avx512 {
extern const Kernels kKernels;
}
#endif

namespace {

struct Isa {
  const Kernels* kernels;
  bool runs_here;
};

// Best first. A new ISA is one file under kernels/ and one line here.
std::vector<Isa> isas() {
  std::vector<Isa> list;
#if defined(TABULAE_HAS_AVX512)
  list.push_back({&avx512::kKernels, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni")});
#endif
  list.push_back({&generic::kKernels, true});
  return list;
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : isas())
    if (isa.runs_here) names.emplace_back(isa.kernels->isa);
  return names;
}

const Kernels& select(const std::string& wanted) {
  const char* variable = std::getenv("TABULAE_ISA");
  const std::string name = !wanted.empty() ? wanted : variable ? variable : "";
  std::string known;
  for (const Isa& isa : isas()) {
    if (!isa.runs_here) continue;
    if (name.empty() || name == isa.kernels->isa) return *isa.kernels;
    known += known.empty() ? isa.kernels->isa : std::string(", ") + isa.kernels->isa;
  }
  throw std::invalid_argument("[isa] the instruction set must be one that this machine has, but got " + name +
                              "; accepted: " + known);
}

}  // namespace tabulae
