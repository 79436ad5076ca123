// Follows the runtime from operator to operator: for fault reports always, and
// with times when recording. A preallocated table, one entry per operator of
// the main subgraph. Operators of nested subgraphs count into the one that
// calls them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app_config.h"

namespace ecg {

class OpTrace {
 public:
  struct Event {
    const char* op;  // The runtime's name of the operator; lives for ever.
    std::uint64_t ticks;
  };

  constexpr OpTrace() = default;

  // Forgets all events; the next operator is number 0.
  void Start(bool recording);

  // An operator begins; the result goes to its End().
  std::uint32_t Begin(const char* op);
  void End(std::uint32_t handle);

  // Events since Start(), and those that did not fit.
  std::size_t size() const;
  std::size_t dropped() const;
  const Event& operator[](std::size_t index) const { return events_[index]; }

 private:
  Event events_[kMaxOps] = {};
  std::uint32_t next_ = 0;
  std::uint32_t depth_ = 0;
  bool recording_ = false;
};

}  // namespace ecg
