// An engine whose behaviour a test sets: a model of one operator that adds 1 to
// every byte of its input, with another nested in it.
#pragma once

#include <cstddef>

namespace fake {

struct Engine {
  bool resolver_fails = false;
  // Smallest arena in which Build() works.
  std::size_t needs_bytes = 64;
  // What it says it uses; the whole arena by default, so that none is spare.
  std::size_t used_bytes = 256;
  // Smallest in which results are right; below they are wrong without a word.
  std::size_t right_from_bytes = 64;
  // Bytes written behind the memory that Build() was given.
  std::size_t overrun_bytes = 0;
  // The number of the Invoke() call that fails, from 1; 0 is none.
  unsigned failing_invoke = 0;
  bool breaks_guard = false;
  // Operators that run; the table holds kMaxOps.
  unsigned operators = 2;

  unsigned builds = 0;
  unsigned invokes = 0;
  bool has_trace = false;
};

extern Engine engine;

}  // namespace fake
