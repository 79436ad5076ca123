// The two stacks: the application's (PSP) and the fault handler's (MSP). The
// second one is intact whatever the first one did.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app_config.h"

namespace ecg {

constexpr std::size_t kFaultStackBytes = 2048;
static_assert(kStackBytes % 16 == 0, "the stack's size is a multiple of 16");

extern std::uint8_t application_stack[kStackBytes];
extern std::uint8_t fault_stack[kFaultStackBytes];

}  // namespace ecg
