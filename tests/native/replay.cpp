// Runs a tape of calls of the native core, as tests/fixtures/tape.py records them from Python, without Python: with
// every ISA, both arithmetics and 1 to 3 threads. Prints a line for each, with the FNV-1a hash of all logits:
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

#include "decoder/executor.h"

using namespace tabulae;

namespace {

// i: an integer; f: a float; s: text or the bytes of an array; l: a list; n: nothing.
struct Value {
  char kind = 'n';
  int64_t integer = 0;
  float number = 0;
  std::vector<char> bytes;
  std::vector<Value> list;

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

struct Call {
  std::string name;
  std::vector<Value> values;
};

class Tape {
 public:
  explicit Tape(const char* path) : file_(path, std::ios::binary) {
    if (!file_) throw std::runtime_error(std::string("no tape at ") + path);
  }
  bool next(Call& call) {
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
  Value value() {
    Value v;
    v.kind = raw<char>();
    if (v.kind == 'i') v.integer = raw<int64_t>();
    if (v.kind == 'f') v.number = raw<float>();
    if (v.kind == 's') {
      v.bytes.resize(raw<int64_t>());
      file_.read(v.bytes.data(), static_cast<std::streamsize>(v.bytes.size()));
    }
    if (v.kind == 'l')
      for (int64_t left = raw<int64_t>(); left > 0; --left) v.list.push_back(value());
    return v;
  }
  std::ifstream file_;
};

Function function_of(const std::string& name) {
  for (const auto& [known, function] : {std::pair{"silu", Function::kSilu},
                                        {"gelu", Function::kGelu},
                                        {"gelu_tanh", Function::kGeluTanh},
                                        {"relu", Function::kRelu}})
    if (name == known) return function;
  throw std::runtime_error("unknown function " + name);
}

Rotation rotation_of(const Value& signs, const Value& orders, const Value& dense) {
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

void add_table(Model& model, const std::vector<Value>& v) {
  TableMatrix m;
  m.rows = v[0], m.cols = v[1], m.bits = v[2], m.exponents = v[3], m.group = v[4], m.chunk = v[5];
  m.codes = v[6].data<uint8_t>();
  std::memcpy(m.codebook, v[7].bytes.data(), v[7].bytes.size());
  m.multipliers = v[8].kind == 'n' ? nullptr : v[8].data<int8_t>();
  m.scales = v[9].data<uint16_t>(), m.one_scale = v[9].bytes.size() == 2;
  m.wide = static_cast<int64_t>(v[13]);
  model.add(m, {v[10].array<uint32_t>(), v[11].array<uint16_t>(), v[12].array<int32_t>()},
            rotation_of(v[14], v[15], v[16]));
}

using Values = std::vector<Value>;
const std::map<std::string, void (*)(Model&, const Values&)> kCalls = {
    {"float_matrix",
     [](Model& m, const Values& v) {
       m.add(FloatMatrix{v[0], v[1], v[2].data<float>()});
     }},
    {"table_matrix", add_table},
    {"buffer", [](Model& m, const Values& v) { m.buffer(v[0]); }},
    {"embed",
     [](Model& m, const Values& v) {
       m.push(Embed{v[0], v[1], v[2], v[3]});
     }},
    {"embed_position",
     [](Model& m, const Values& v) {
       m.push(EmbedPosition{v[0], v[1], v[2]});
     }},
    {"rms_norm",
     [](Model& m, const Values& v) {
       m.push(RmsNorm{v[0], v[1], v[2], v[3]});
     }},
    {"layer_norm",
     [](Model& m, const Values& v) {
       m.push(LayerNorm{v[0], v[1], v[2], v[3], v[4]});
     }},
    {"project",
     [](Model& m, const Values& v) {
       Project op{v[0], {}};
       for (const Value& one : v[1].list) op.linears.push_back({one.list[0], one.list[1], one.list[2], one.list[3]});
       m.push(op);
     }},
    {"rotary",
     [](Model& m, const Values& v) {
       m.push(Rotary{v[0], v[1], v[2], v[3], v[4], v[5]});
     }},
    {"attention",
     [](Model& m, const Values& v) {
       m.push(Attention{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10]});
     }},
    {"activate",
     [](Model& m, const Values& v) {
       m.push(Activate{function_of(v[0].text()), v[1], v[2], v[3], {v[4].list.begin(), v[4].list.end()}});
     }},
    {"add",
     [](Model& m, const Values& v) {
       m.push(Add{v[0], v[1], v[2]});
     }},
    {"soft_cap",
     [](Model& m, const Values& v) {
       m.push(SoftCap{v[0], v[1]});
     }},
    {"select",
     [](Model& m, const Values& v) {
       m.push(Select{v[0], v[1]});
     }},
    {"finish", [](Model& m, const Values& v) { m.finish(v[0]); }},
};

struct Hash {
  uint64_t value = 0xcbf29ce484222325;
  void add(const std::vector<float>& floats) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(floats.data());
    for (size_t i = 0; i < floats.size() * sizeof(float); ++i) value = (value ^ bytes[i]) * 0x100000001b3;
  }
};

// The hash of what all forward calls of the tape give. A second sequence beside it has threads of its own.
uint64_t run(const Model& model, const std::list<Call>& forwards, const std::string& isa, Arithmetic arithmetic,
             int threads) {
  Executor executor(model, forwards.front().values[3], threads, arithmetic, select(isa));
  Executor beside(model, 1, threads, arithmetic, select(isa));
  Hash hash;
  for (const Call& call : forwards) {
    const std::vector<int32_t> tokens = call.values[0].array<int32_t>();
    const int64_t n = static_cast<int64_t>(tokens.size()), wanted = call.values[2];
    std::vector<float> logits((n - wanted) * model.vocabulary());
    executor.forward(tokens.data(), n, call.values[1], wanted, logits.data());
    hash.add(logits);
    beside.forward(tokens.data(), 1, 0, 1, logits.data());
  }
  return hash.value;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 2) throw std::runtime_error("usage: replay TAPE");
  Tape tape(arguments[1]);
  Model model;
  std::list<Call> calls, forwards;  // nodes stay where they are: weights point into them
  for (Call call; tape.next(call);) {
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
