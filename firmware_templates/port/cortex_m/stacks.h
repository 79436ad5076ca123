// The application's stack: lowest in RAM, painted, with a guard below it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/span.h"

namespace ecg::stacks {

// Bytes under the stack that the MPU refuses any access to.
constexpr std::size_t kGuardBytes = 256;

// The application's stack without its guard.
Span Application();

// True if the address lies in the guard, or under it.
bool IsBelowApplication(std::uint32_t address);

}  // namespace ecg::stacks
