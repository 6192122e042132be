// The pool of threads by itself: every item once, in ranges that keep to the grain, whatever the sizes; errors come
// through and leave it usable; a forked child has threads of its own. Prints nothing where all holds.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/threads.h"

using tabulae::Threads;

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "pool: %s\n", what);
  std::abort();
}

// Plain integers: that no two threads touch one of them is for a sanitizer to say.
void every_item_once(Threads& pool, int64_t items, int64_t grain) {
  std::vector<int> times(items);
  pool.run(items, grain, [&](int, int64_t begin, int64_t end) {
    require(begin % grain == 0 && (end % grain == 0 || end == items), "ranges must keep to the grain");
    for (int64_t i = begin; i < end; ++i) ++times[i];
  });
  for (const int n : times) require(n == 1, "every item must be done once");
}

void errors_come_through(Threads& pool) {
  bool thrown = false;
  try {
    pool.run(1000, 1, [](int, int64_t begin, int64_t) {
      if (begin % 3 == 0) throw std::runtime_error("a body");
    });
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  require(thrown, "what a body throws must be thrown by run");
}

void rounds(Threads& pool) {
  for (int64_t items = 0; items < 70; ++items)
    for (const int64_t grain : {1, 3, 4, 16}) every_item_once(pool, items, grain);
  every_item_once(pool, 100'000, 64);
  errors_come_through(pool);
  every_item_once(pool, 97, 1);
  usleep(3000);  // longer than workers stay awake
  every_item_once(pool, 97, 1);
}

void in_a_child(std::unique_ptr<Threads> pool, int generations) {
  if (const pid_t child = fork()) {
    int status = 0;
    waitpid(child, &status, 0);
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a forked child must go on");
    return rounds(*pool);
  }
  alarm(60);
  rounds(*pool);
  if (generations > 1) in_a_child(std::move(pool), generations - 1);
  pool.reset();
  _exit(0);
}

}  // namespace

int main(int count, char**) {
  for (int threads = 1; threads <= 5; ++threads) {
    Threads pool(threads);
    rounds(pool);
  }
  if (count == 1)  // with an argument: no forks, which a sanitizer of threads cannot follow
    for (int threads = 1; threads <= 3; ++threads) in_a_child(std::make_unique<Threads>(threads), 2);
  return 0;
}
