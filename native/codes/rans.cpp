#include "codes/rans.h"

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cstring>

#include "core/threads.h"

namespace tabulae::rans {

namespace {

constexpr int64_t kHeader = 16;
constexpr char kMagic[] = {'r', 'A', 'N', 'S'};
constexpr int kLanes = 6;  // blocks decoded at once: enough chains to hide the latency of two look-ups and a product
constexpr size_t kMostBytes = 4 + 2 * kBlock;  // what decoding a block can read
constexpr int64_t kShare = 64;                 // blocks worth a thread: a millisecond and more

template <class T>
T load(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

template <class T>
void store(uint8_t* p, T value) {
  std::memcpy(p, &value, sizeof value);
}

void require(bool holds, const std::string& must, const std::string& got) {
  if (!holds) throw Malformed{must, got};
}

Counts count_symbols(std::span<const uint8_t> symbols) {
  Counts counts{};
  for (const uint8_t symbol : symbols) ++counts[symbol];
  return counts;
}

// The symbol whose frequency changes next: one more where that saves most bits, one less where it costs least. Between
// f and f + 1 the cost of a symbol that was counted c times changes by about c / (f + 1/2).
int best_change(const Counts& counts, const Frequencies& f, bool more) {
  const uint64_t half = more ? 1 : -1;
  int best = -1;
  for (int s = 0; s < 256; ++s) {
    if (counts[s] == 0 || (!more && f[s] == 1)) continue;
    const int other = best < 0 ? s : best;
    const auto mine = static_cast<uint64_t>(counts[s]) * (2 * f[other] + half);
    const auto best_so_far = static_cast<uint64_t>(counts[other]) * (2 * f[s] + half);
    if (best < 0 || (more ? mine > best_so_far : mine < best_so_far)) best = s;
  }
  return best;
}

size_t even(size_t length) { return length + length % 2; }

int64_t bitmap_size(int first, int last) { return (last - first) / 8 + 1; }

// Header and table. The table is a bit for every symbol from the first that occurs to the last, then the frequencies of
// those that occur (one byte below 128, else the low 7 bits with bit 7 set and the upper 8). A single symbol has none.
std::vector<uint8_t> head(int64_t count, const Frequencies& f) {
  const auto used = [](uint32_t frequency) { return frequency > 0; };
  const auto first = static_cast<int>(count ? std::find_if(f.begin(), f.end(), used) - f.begin() : 0);
  const auto last = static_cast<int>(count ? f.rend() - std::find_if(f.rbegin(), f.rend(), used) - 1 : 0);
  std::vector<uint8_t> out(first == last ? kHeader : kHeader + bitmap_size(first, last));
  std::memcpy(out.data(), kMagic, sizeof kMagic);
  out[4] = static_cast<uint8_t>(first), out[5] = static_cast<uint8_t>(last);
  store(out.data() + 8, count);
  for (int s = first; first < last && s <= last; ++s) {
    if (!f[s]) continue;
    out[kHeader + (s - first) / 8] |= 1 << (s - first) % 8;
    if (f[s] >= 128) out.push_back(static_cast<uint8_t>(f[s] | 128));
    out.push_back(static_cast<uint8_t>(f[s] < 128 ? f[s] : f[s] >> 7));
  }
  out.resize(even(out.size()));
  return out;
}

struct Coder {
  uint32_t frequency, start;
};

// One block as 16-bit words: the state, then the words in the order in which they are read.
std::vector<uint16_t> encode_block(std::span<const uint8_t> symbols, const std::array<Coder, 256>& coders) {
  std::vector<uint16_t> words;
  words.reserve(symbols.size() / 2 + 2);
  uint32_t state = kLowest;
  for (size_t i = symbols.size(); i-- > 0;) {
    const Coder coder = coders[symbols[i]];
    if (state >= static_cast<uint64_t>(coder.frequency) << (32 - kPrecision)) {
      words.push_back(static_cast<uint16_t>(state));
      state >>= 16;
    }
    const uint32_t quotient = state / coder.frequency;
    state = (quotient << kPrecision) + (state - quotient * coder.frequency) + coder.start;
  }
  words.push_back(static_cast<uint16_t>(state >> 16));
  words.push_back(static_cast<uint16_t>(state));
  std::reverse(words.begin(), words.end());
  return words;
}

// What decoding looks up: the symbol for every value of a state's low bits, and what it then does with the state.
struct Table {
  std::array<uint8_t, kTotal> symbols;
  std::array<uint32_t, 256> steps;  // frequency | start << 16

  explicit Table(const Frequencies& f) {
    uint32_t start = 0;
    for (int s = 0; s < 256; ++s) {
      steps[s] = f[s] | start << 16;
      std::memset(symbols.data() + start, s, f[s]);
      start += f[s];
    }
  }
};

struct Lane {
  uint32_t state, cursor;  // the cursor counts bytes from where the first block of the group begins
};

// `count` symbols from each of N blocks. Reads at most one word per symbol and block, and tests nothing on the way: the
// caller sees to it that so many words are there.
template <int N>
void decode_lanes(const Table& table, const uint8_t* base, Lane* lanes, uint8_t* out, int64_t count) {
  Lane lane[N];
  std::copy_n(lanes, N, lane);
  for (int64_t i = 0; i < count; ++i)
#pragma GCC unroll 8
    for (int k = 0; k < N; ++k) {
      const uint32_t low = lane[k].state & (kTotal - 1);
      const uint8_t symbol = table.symbols[low];
      const uint32_t step = table.steps[symbol];
      out[k * kBlock + i] = symbol;
      const uint32_t state = (step & 0xffff) * (lane[k].state >> kPrecision) + low - (step >> 16);
      // Where the state fell too low, a word moves in from below: by shifts, for a branch could not be predicted.
      const uint32_t shift = state < kLowest ? 16 : 0;
      const uint64_t wide = static_cast<uint64_t>(state) << 16 | load<uint16_t>(base + lane[k].cursor);
      lane[k].state = static_cast<uint32_t>(wide << shift >> 16);
      lane[k].cursor += shift / 8;
    }
  std::copy_n(lane, N, lanes);
}

using LanesDecoder = void (*)(const Table&, const uint8_t*, Lane*, uint8_t*, int64_t);
constexpr LanesDecoder kDecoders[kLanes + 1] = {
    [](const Table&, const uint8_t*, Lane*, uint8_t*, int64_t) {},
    decode_lanes<1>,
    decode_lanes<2>,
    decode_lanes<3>,
    decode_lanes<4>,
    decode_lanes<5>,
    decode_lanes<6>,
};

// n blocks between n + 1 offsets into the data, `last` symbols in the last of them; how many ended as they must before
// one did not.
int decode_group(const Table& table, std::span<const uint8_t> data, const int64_t* offsets, int n, int64_t last,
                 uint8_t* out) {
  std::vector<uint8_t> padded;
  data = data.subspan(offsets[0]);
  if (const size_t most = offsets[n - 1] - offsets[0] + kMostBytes; data.size() < most) {
    padded.assign(data.begin(), data.end());
    padded.resize(most);
    data = padded;
  }
  Lane lanes[kLanes];
  for (int k = 0; k < n; ++k) {
    const auto begin = static_cast<uint32_t>(offsets[k] - offsets[0]);
    lanes[k] = {load<uint32_t>(data.data() + begin), begin + 4};
  }
  kDecoders[n](table, data.data(), lanes, out, last);
  kDecoders[n - 1](table, data.data(), lanes, out + last, kBlock - last);
  int whole = 0;
  while (whole < n && lanes[whole].state == kLowest && lanes[whole].cursor == offsets[whole + 1] - offsets[0]) ++whole;
  return whole;
}

int useful(int threads, int64_t blocks) { return static_cast<int>(std::min<int64_t>(threads, 1 + blocks / kShare)); }

void lower(std::atomic<int64_t>& value, int64_t other) {
  int64_t seen = value;
  while (other < seen && !value.compare_exchange_weak(seen, other)) {
  }
}

}  // namespace

Frequencies frequencies(const Counts& counts) {
  int64_t all = 0, given = 0;
  for (const int64_t count : counts) all += count;
  Frequencies f{};
  for (int s = 0; s < 256; ++s) {
    if (counts[s]) f[s] = static_cast<uint32_t>(std::max<int64_t>(1, (counts[s] * kTotal + all / 2) / all));
    given += f[s];
  }
  for (; all && given < kTotal; ++given) ++f[best_change(counts, f, true)];
  for (; all && given > kTotal; --given) --f[best_change(counts, f, false)];
  return f;
}

std::vector<uint8_t> encode(std::span<const uint8_t> symbols, int threads) {
  const auto count = static_cast<int64_t>(symbols.size());
  const Frequencies f = frequencies(count_symbols(symbols));
  std::array<Coder, 256> coders{};
  for (uint32_t s = 0, start = 0; s < 256; start += f[s++]) coders[s] = {f[s], start};
  std::vector<std::vector<uint16_t>> blocks((count + kBlock - 1) / kBlock);
  Threads(useful(threads, count / kBlock))
      .run(static_cast<int64_t>(blocks.size()), 1, [&](int, int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b)
          blocks[b] = encode_block(symbols.subspan(b * kBlock, std::min(kBlock, count - b * kBlock)), coders);
      });
  std::vector<uint8_t> out = head(count, f);
  size_t at = out.size(), size = at;
  for (const auto& words : blocks) size += 2 + 2 * words.size();
  out.resize(size);
  for (const auto& words : blocks) store(out.data() + at, static_cast<uint16_t>(words.size() - 2)), at += 2;
  for (const auto& words : blocks) {
    std::memcpy(out.data() + at, words.data(), 2 * words.size());
    at += 2 * words.size();
  }
  return out;
}

Stream::Stream(std::span<const uint8_t> data) : data_(data) {
  const auto size = static_cast<int64_t>(data.size());
  require(size >= kHeader, "it must have a header of 16 bytes", std::to_string(size));
  require(std::memcmp(data.data(), kMagic, sizeof kMagic) == 0, "it must begin with 'rANS'", "other bytes");
  require(load<uint16_t>(data.data() + 6) == 0, "spare bytes of its header must be 0", "others");
  first_ = data[4], last_ = data[5], count_ = load<int64_t>(data.data() + 8);
  require(count_ >= 0 && count_ / kBlock < size, "it must be long enough for its symbols", std::to_string(count_));
  require(first_ <= last_ && (count_ || !last_), "its symbols must be a range", std::to_string(last_));
  read_index(read_table());
}

// The frequencies; where they end.
int64_t Stream::read_table() {
  if (first_ == last_) {
    if (count_) frequencies_[first_] = kTotal;
    return kHeader;
  }
  int64_t at = kHeader;
  const auto next = [&]() -> uint32_t {
    require(at < static_cast<int64_t>(data_.size()), "it must hold its table", "its end");
    return data_[at++];
  };
  std::bitset<256> used;
  for (int s = 0; s <= last_ - first_; s += 8) used |= std::bitset<256>(next()) << s;
  require(used[0] && (used >> (last_ - first_)) == 1, "its first and last symbol must occur", "others");
  uint32_t total = 0;
  for (int s = first_; s <= last_; ++s) {
    if (!used[s - first_]) continue;
    frequencies_[s] = next();
    if (frequencies_[s] >= 128) frequencies_[s] += 128 * next() - 128;
    total += frequencies_[s];
  }
  require(total == kTotal, "its frequencies must add up to 32768", std::to_string(total));
  if (at % 2) require(next() == 0, "its table must be padded with 0", "another byte");
  return at;
}

void Stream::read_index(int64_t at) {
  const auto size = static_cast<int64_t>(data_.size());
  require(size - at >= 2 * blocks(), "it must hold its index", "its end");
  offsets_.push_back(at + 2 * blocks());
  for (int64_t b = 0; b < blocks(); ++b)
    offsets_.push_back(offsets_.back() + 4 + 2 * load<uint16_t>(data_.data() + at + 2 * b));
  require(offsets_.back() == size, "its blocks must end where it ends",
          std::to_string(size - offsets_.back()) + " off");
}

void Stream::decode(uint8_t* out, int threads) const {
  const Table table(frequencies_);
  std::atomic<int64_t> damaged{blocks()};
  Threads(useful(threads, blocks())).run(blocks(), kLanes, [&](int, int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += kLanes) {
      const int n = static_cast<int>(std::min<int64_t>(kLanes, end - first));
      const int64_t last = std::min(kBlock, count_ - (first + n - 1) * kBlock);  // only the very last can be short
      const int whole = decode_group(table, data_, &offsets_[first], n, last, out + first * kBlock);
      if (whole < n) lower(damaged, first + whole);
    }
  });
  require(damaged == blocks(), "block " + std::to_string(damaged) + " must end in its first state", "another");
}

}  // namespace tabulae::rans
