// A CPU fault, as a port's handler read it, on its way to the host.
#pragma once

#include "ecg/wire.h"

namespace ecg {

// Sends FAULT and ends the program. Fills in phase and operator. Runs on the
// handler's stack and touches neither the runtime nor the arena.
[[noreturn]] void ReportFault(wire::FAULT fault);

}  // namespace ecg
