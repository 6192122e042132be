// The fields of one operation, by name: numbers and texts as they are, names of values, weights and states as indices.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace tabulae {

inline constexpr int kNone = -1;  // the index of what is not there

class Fields {
 public:
  using Field = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<Fields>>;

  void set(const std::string& name, Field field) { fields_[name] = std::move(field); }

  int64_t integer(const char* name) const { return get<int64_t>(name); }
  int64_t integer(const char* name, int64_t otherwise) const { return has(name) ? integer(name) : otherwise; }
  int index(const char* name) const { return static_cast<int>(integer(name)); }
  float number(const char* name) const {
    const auto* whole = std::get_if<int64_t>(&at(name));
    return static_cast<float>(whole ? static_cast<double>(*whole) : get<double>(name));
  }
  const std::string& text(const char* name) const { return get<std::string>(name); }
  const std::vector<int64_t>& integers(const char* name) const { return get<std::vector<int64_t>>(name); }
  const std::vector<Fields>& parts(const char* name) const { return get<std::vector<Fields>>(name); }
  // The first of a range of rows, or 0 where all are meant.
  int64_t first(const char* name) const { return has(name) ? integers(name).at(0) : 0; }
  bool has(const char* name) const { return fields_.contains(name); }

 private:
  const Field& at(const char* name) const {
    const auto found = fields_.find(name);
    if (found == fields_.end()) throw std::invalid_argument(std::string("[operation] there must be a field ") + name);
    return found->second;
  }
  template <class T>
  const T& get(const char* name) const {
    const T* field = std::get_if<T>(&at(name));
    if (!field) throw std::invalid_argument(std::string("[operation] a field must be of its type: ") + name);
    return *field;
  }
  std::map<std::string, Field, std::less<>> fields_;
};

}  // namespace tabulae
