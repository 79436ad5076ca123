// What a build with -DECG_SANITIZE=ON (AddressSanitizer and
// UndefinedBehaviorSanitizer) needs from the port.
#pragma once

#include <cstddef>

#include "ecg/span.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace ecg::host {

#if defined(__SANITIZE_ADDRESS__)

// Instrumented frames are larger, and a report is written on the same stack.
constexpr std::size_t kExtraStackBytes = std::size_t{1} << 20;

// Around a switch to another stack: before it, and as the first thing on it.
inline void AnnounceStack(Span stack) {
  __sanitizer_start_switch_fiber(nullptr, stack.data, stack.bytes);
}
inline void ArriveOnStack() {
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
}

#else

constexpr std::size_t kExtraStackBytes = 0;

inline void AnnounceStack(Span) {}
inline void ArriveOnStack() {}

#endif

}  // namespace ecg::host
