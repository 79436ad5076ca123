// Where the program is, for a fault report: the phase and the running operator.
#pragma once

#include <cstdint>

namespace ecg::progress {

// Enters a phase and tells the host. The name must live for ever.
void Enter(const char* phase);

// The phase entered last; "reset" before the first.
const char* Phase();

// Position of the running operator in the main subgraph, -1 for none.
void SetOperator(std::int32_t index);
std::int32_t Operator();

}  // namespace ecg::progress
