// TFLM's own messages (MicroPrintf), from wherever the TFLM source sends them.
#pragma once

namespace ecg {

// From now on they arrive in ecg::log_lines, and its aborts become faults,
// where they would not by themselves.
void RouteTflmLog();

}  // namespace ecg
