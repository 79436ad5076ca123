// The application's stack on the host: of the size that the board has, painted,
// with unreadable pages on both sides.
#pragma once

#include <cstdint>

#include "ecg/span.h"

namespace ecg::host {

// Maps and paints it. It lies below 4 GiB, so that its addresses fit into the
// 32-bit fields of a FAULT record. False if there is no memory.
bool CreateStack();

Span ApplicationStack();

// Whether an address is in the unreadable pages below the stack.
bool IsBelowStack(std::uintptr_t address);

// Calls run on the application's stack; it must not return.
[[noreturn]] void RunOnStack(void (*run)());

}  // namespace ecg::host
