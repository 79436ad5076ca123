// Timed inferences and per-operator times.
#pragma once

#include "ecg/app.h"

namespace ecg {

// Warms up, times the runs, and with profile=1 traces one more. The runtime is
// rebuilt without an observer for the timed runs, and with one afterwards.
// False if a step failed; what was measured until then has been sent.
bool RunBench(App& app, const wire::BENCH& command);

}  // namespace ecg
