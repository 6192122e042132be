#include "graph/scratch.h"

#include <algorithm>

namespace tabulae {

// Both are served by what either prepares.
bool Scratch::Asked::operator==(const Asked& other) const {
  return request.bytes == other.request.bytes && request.from == other.request.from &&
         (request.bytes == 0 || kernel->prepare == other.kernel->prepare);
}

Scratch::Asked Scratch::ask(const TableMatrix* matrix) const {
  if (!matrix) return {};
  const TableKernel& kernel = kernels_->table(*matrix, lookup_);
  return {matrix, &kernel, kernel.request ? kernel.request(*matrix) : Request{}};
}

int64_t Scratch::add(const std::vector<const TableMatrix*>& alternatives) {
  Piece piece{{}, bytes_};
  int64_t most = 0;
  for (const TableMatrix* matrix : alternatives) {
    piece.alternatives.push_back(ask(matrix));
    most = std::max(most, piece.alternatives.back().request.bytes);
  }
  if (most == 0) return 0;
  for (const Piece& other : pieces_)
    if (other.alternatives == piece.alternatives) return other.begin;
  bytes_ += ceil_div(most, kCacheLine) * kCacheLine;  // a vector that is read from it lies in one line
  pieces_.push_back(std::move(piece));
  return pieces_.back().begin;
}

int64_t Scratch::with(const std::vector<const TableMatrix*>& alternatives) const {
  Scratch more = *this;
  more.add(alternatives);
  return more.bytes();
}

void Scratch::prepare(const Activations& x, int64_t position, size_t alternative) const {
  for (const Piece& piece : pieces_) {
    const Asked& asked = piece.alternatives[alternative];
    if (asked.request.bytes)
      asked.kernel->prepare(*asked.matrix, x, position, x.scratch + position * x.stride + piece.begin);
  }
}

}  // namespace tabulae
