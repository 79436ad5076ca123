// The one block of memory that the runtime works in.
#pragma once

#include "ecg/span.h"

namespace ecg::arena {

// Writes the guard words on both sides. Once, before the memory is used.
void Arm();

// All of it, aligned to 16 bytes.
Span Memory();

// Start-up may try arenas of this size and larger: building the runtime in a
// smaller one could fail where a kernel does not look.
std::size_t SearchFloor();

// The guard words are as Arm() left them.
bool GuardsIntact();

}  // namespace ecg::arena
