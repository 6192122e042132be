#include "graph/scratch.h"

#include <algorithm>

namespace tabulae {

namespace {
bool same(const Request& a, const Request& b) { return a.bytes == b.bytes && a.from == b.from; }
}  // namespace

int64_t Scratch::add(const std::vector<const TableMatrix*>& alternatives) {
  Piece piece{alternatives, {}, bytes_};
  for (const TableMatrix* matrix : alternatives)
    piece.requests.push_back(matrix && kernel_->request ? kernel_->request(*matrix) : Request{});
  const auto most = std::max_element(piece.requests.begin(), piece.requests.end(),
                                     [](const Request& a, const Request& b) { return a.bytes < b.bytes; });
  if (most == piece.requests.end() || most->bytes == 0) return 0;
  for (const Piece& other : pieces_)
    if (std::equal(other.requests.begin(), other.requests.end(), piece.requests.begin(), piece.requests.end(), same))
      return other.begin;
  pieces_.push_back(std::move(piece));
  bytes_ += ceil_div(most->bytes, kCacheLine) * kCacheLine;  // a vector that is read from it lies in one line
  return pieces_.back().begin;
}

void Scratch::prepare(const Activations& x, int64_t position, size_t alternative) const {
  for (const Piece& piece : pieces_)
    if (piece.requests[alternative].bytes)
      kernel_->prepare(*piece.alternatives[alternative], x, position, x.scratch + position * x.stride + piece.begin);
}

}  // namespace tabulae
