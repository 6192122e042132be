// An entropy code for uint8 symbols: rANS (Duda, arXiv 1311.2540) with one table of frequencies for the whole stream
// and blocks of 2^14 symbols that are decoded independently. docs/format.md, "Coding rans", has every byte.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tabulae::rans {

inline constexpr int64_t kBlock = 1 << 14;  // symbols
inline constexpr int kPrecision = 15;       // frequencies add up to 2^15: 250 rare symbols cost .1 % at most
inline constexpr uint32_t kTotal = 1u << kPrecision;
inline constexpr uint32_t kLowest = 1u << 16;  // states are at least this, and read 16 bits where they fall below

using Counts = std::array<int64_t, 256>;
using Frequencies = std::array<uint32_t, 256>;

// What must hold of a stream, and what was found instead.
struct Malformed {
  std::string must, got;
};

// The frequencies with which symbols counted so often (below 2^47 in all) take the fewest bits: integers only, so the
// same everywhere. Every symbol that occurs has one.
Frequencies frequencies(const Counts& counts);

// The stream of `symbols`; the same for any number of threads.
std::vector<uint8_t> encode(std::span<const uint8_t> symbols, int threads);

// A stream that is whole but for what its blocks hold: header, table and index are checked when it is made.
class Stream {
 public:
  explicit Stream(std::span<const uint8_t> data);  // throws Malformed; the data must outlive it

  int64_t count() const { return count_; }  // symbols
  int largest() const { return last_; }     // no symbol is larger

  // Writes `count` symbols; throws Malformed, naming the first block that is damaged, after all were decoded.
  void decode(uint8_t* out, int threads) const;

 private:
  int64_t blocks() const { return (count_ + kBlock - 1) / kBlock; }
  int64_t read_table();
  void read_index(int64_t at);

  std::span<const uint8_t> data_;
  int64_t count_ = 0;
  int first_ = 0, last_ = 0;
  Frequencies frequencies_{};
  std::vector<int64_t> offsets_;  // [blocks + 1], bytes: where each block begins
};

}  // namespace tabulae::rans
