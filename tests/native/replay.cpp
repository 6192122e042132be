// Runs a tape of calls of the native core, as tests/fixtures/tape.py records them from Python, without Python: with
// every ISA, the one of the tests among them, both arithmetics and 1 to 3 threads. Prints a line for each, with the
// FNV-1a hash of all logits:
//   replay TAPE
// One program for sanitizers and emulators.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/layouts.h"
#include "graph/engine.h"
#include "prepared.h"

using namespace tabulae;

namespace {

// i: an integer; f: a float; s: text or the bytes of an array; l: a list; d: a dictionary; n: nothing.
struct Item {
  char kind = 'n';
  int64_t integer = 0;
  float number = 0;
  std::vector<char> bytes;
  std::vector<Item> list;

  operator int64_t() const { return integer; }
  operator int() const { return static_cast<int>(integer); }
  operator float() const { return kind == 'i' ? static_cast<float>(integer) : number; }
  std::string text() const { return {bytes.begin(), bytes.end()}; }
  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  template <class T>
  std::vector<T> array() const {
    return {data<T>(), data<T>() + bytes.size() / sizeof(T)};
  }
};

struct Entry {
  std::string name;
  std::vector<Item> values;
};

class Tape {
 public:
  explicit Tape(const char* path) : file_(path, std::ios::binary) {
    if (!file_) throw std::runtime_error(std::string("no tape at ") + path);
  }
  bool next(Entry& call) {
    if (file_.peek() == EOF) return false;
    call = {value().text(), value().list};
    return true;
  }

 private:
  template <class T>
  T raw() {
    T x;
    if (!file_.read(reinterpret_cast<char*>(&x), sizeof x)) throw std::runtime_error("the tape is cut off");
    return x;
  }
  Item value() {
    Item v;
    v.kind = raw<char>();
    if (v.kind == 'i') v.integer = raw<int64_t>();
    if (v.kind == 'f') v.number = raw<float>();
    if (v.kind == 's') {
      v.bytes.resize(raw<int64_t>());
      file_.read(v.bytes.data(), static_cast<std::streamsize>(v.bytes.size()));
    }
    if (v.kind == 'l' || v.kind == 'd')
      for (int64_t left = raw<int64_t>(); left > 0; --left) v.list.push_back(value());
    return v;
  }
  std::ifstream file_;
};

Rotation rotation_of(const Item& signs, const Item& orders, const Item& dense) {
  Rotation rotation;
  if (signs.kind == 'n') return rotation;
  rotation.signs = signs.array<float>();
  size_t next = 0;
  for (const int64_t order : orders.list) {
    const bool is_dense = order % 2 == 0 && (order & (order - 1));
    rotation.factors.push_back({order, is_dense ? dense.list.at(next++).array<float>() : std::vector<float>{}});
  }
  return rotation;
}

void add_table(Model& model, const std::vector<Item>& v) {
  TableMatrix m;
  m.layout = &find_layout(v[17].text());
  m.rows = v[0], m.cols = v[1], m.bits = v[2], m.exponents = v[3], m.group = v[4], m.chunk = v[5];
  m.codes = v[6].data<uint8_t>();
  std::memcpy(m.codebook, v[7].bytes.data(), v[7].bytes.size());
  m.multipliers = v[8].kind == 'n' ? nullptr : v[8].data<int8_t>();
  m.scales = v[9].data<uint16_t>(), m.one_scale = v[9].bytes.size() == 2;
  m.wide = static_cast<int64_t>(v[13]);
  model.add(m, {v[10].array<uint32_t>(), v[11].array<uint16_t>(), v[12].array<int32_t>()},
            rotation_of(v[14], v[15], v[16]));
}

// A dictionary is a list of names and values in turn.
Fields fields_of(const Item& given) {
  Fields fields;
  for (size_t i = 0; i < given.list.size(); i += 2) {
    const std::string name = given.list[i].text();
    const Item& value = given.list[i + 1];
    if (value.kind == 'i') fields.set(name, value.integer);
    if (value.kind == 'f') fields.set(name, static_cast<double>(value.number));
    if (value.kind == 's') fields.set(name, value.text());
    if (value.kind != 'l') continue;
    std::vector<int64_t> numbers;
    std::vector<Fields> parts;
    for (const Item& one : value.list)
      if (one.kind == 'd')
        parts.push_back(fields_of(one));
      else
        numbers.push_back(one);
    if (parts.empty())
      fields.set(name, numbers);
    else
      fields.set(name, parts);
  }
  return fields;
}

std::vector<int64_t> integers_of(const Item& list) { return {list.list.begin(), list.list.end()}; }

using Values = std::vector<Item>;
const std::map<std::string, void (*)(Model&, const Values&)> kCalls = {
    {"float_matrix",
     [](Model& m, const Values& v) {
       m.add(FloatMatrix{v[0], v[1], v[2].data<float>()});
     }},
    {"table_matrix", add_table},
    {"value",
     [](Model& m, const Values& v) {
       const bool integers = v[2].kind == 'l';
       const int64_t low = integers ? v[2].list[0] : 0, high = integers ? v[2].list[1] : 0;
       m.add(Value{static_cast<int64_t>(v[0]) ? Axis::kWanted : Axis::kPositions, integers_of(v[1]), integers, low,
                   high, v[3]});
     }},
    {"array",
     [](Model& m, const Values& v) {
       m.add(Array{integers_of(v[0]), v[1].array<int32_t>()});
     }},
    {"state",
     [](Model& m, const Values& v) {
       m.add(State{v[0], static_cast<int64_t>(v[1]) != 0});
     }},
    {"push", [](Model& m, const Values& v) { m.push(v[0].text(), fields_of(v[1])); }},
};

struct Hash {
  uint64_t value = 0xcbf29ce484222325;
  void add(const std::vector<unsigned char>& bytes) {
    for (const unsigned char byte : bytes) value = (value ^ byte) * 0x100000001b3;
  }
};

// The hash of what all forward calls of the tape give: float32 or int32. A second engine beside it has threads of its
// own.
uint64_t run(const Model& model, const std::list<Entry>& forwards, const std::string& isa, Arithmetic arithmetic,
             int threads) {
  Engine engine(model, threads, arithmetic, select(isa)), other(model, threads, arithmetic, select(isa));
  Sequence sequence(model, forwards.front().values[3]), beside(model, 1);
  const auto operations = static_cast<int64_t>(model.operations().size());
  Hash hash;
  for (const Entry& call : forwards) {
    const std::vector<int32_t> rows = call.values[0].array<int32_t>();
    const int64_t n = call.values[6], wanted = call.values[2];
    const int input = call.values[4], output = call.values[5];
    std::vector<unsigned char> found((n - wanted) * model.value(output).bytes());
    engine.run({{{&sequence, n, call.values[1], wanted}},
                {{input, rows.data()}},
                {{output, found.data()}},
                0,
                operations,
                {}});
    hash.add(found);
    other.run({{{&beside, 1, 0, 1}}, {{input, rows.data()}}, {}, 0, operations, {}});
  }
  return hash.value;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 2) throw std::runtime_error("usage: replay TAPE");
  prepared::enlist_it();
  Tape tape(arguments[1]);
  Model model;
  std::list<Entry> calls, forwards;  // nodes stay where they are: weights point into them
  for (Entry call; tape.next(call);) {
    if (call.name == "forward") {
      forwards.push_back(call);
      continue;
    }
    calls.push_back(call);
    kCalls.at(call.name)(model, calls.back().values);
  }
  for (const std::string& isa : available_isas())
    for (const Arithmetic arithmetic : {Arithmetic::kMultiply, Arithmetic::kLookup})
      for (int threads = 1; threads <= 3; ++threads)
        std::printf("%s %s %d %016llx\n", isa.c_str(), arithmetic == Arithmetic::kLookup ? "lookup" : "multiply",
                    threads, static_cast<unsigned long long>(run(model, forwards, isa, arithmetic, threads)));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "replay: %s\n", error.what());
  return 1;
}
