#include "graph/operation.h"

#include <algorithm>
#include <map>

#include "graph/run.h"

namespace tabulae {

namespace {
std::map<std::string, Make>& known() {
  static std::map<std::string, Make> all;  // made by the first that registers: their order is not ours to say
  return all;
}
}  // namespace

void enlist(const std::string& tag, Make make) { known()[tag] = make; }

std::unique_ptr<Operation> make_operation(const std::string& tag, const Fields& fields, Model& model) {
  const auto found = known().find(tag);
  require(found != known().end(), "program", "the core must know the operation " + tag);
  return found->second(fields, model);
}

void Stages::each_position(int value, std::function<void(Run&, int64_t i)> body) {
  add({[value](Run& run) {
         return Work{run.rows(value), 4};
       },
       [body = std::move(body)](Run& run, Worker&, int64_t begin, int64_t end) {
         for (int64_t i = begin; i < end; ++i) body(run, i);
       }});
}

void Stages::each_point(int value, int64_t cost, std::function<void(Run&, int64_t begin, int64_t end)> body) {
  const Value& of = model.value(value);
  const int64_t places = of.places(), grain = std::max<int64_t>(1, kFewSteps / (cost * of.channels()));
  add({[=](Run& run) {
         return Work{run.rows(value) * places, grain};
       },
       [body = std::move(body)](Run& run, Worker&, int64_t begin, int64_t end) { body(run, begin, end); }});
}

}  // namespace tabulae
