#include "core/layouts.h"

#include <map>
#include <stdexcept>

namespace tabulae {

namespace {
std::map<std::string, const Layout*>& known() {
  static std::map<std::string, const Layout*> all;
  return all;
}
}  // namespace

bool enlist(const Layout& layout) { return known().emplace(layout.name, &layout).second; }

std::vector<std::string> known_layouts() {
  std::vector<std::string> names;
  for (const auto& [name, layout] : known()) names.push_back(name);
  return names;
}

const Layout& find_layout(const std::string& name) {
  const auto found = known().find(name);
  if (found == known().end()) throw std::invalid_argument("[layout] it must be known, but got " + name);
  return *found->second;
}

}  // namespace tabulae
