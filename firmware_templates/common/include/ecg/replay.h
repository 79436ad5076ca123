// A recording sent by the host instead of a converter: REPLAY, BEATS, SAMPLES
// and FINISH of wire_records.def.
#pragma once

#include "ecg/app.h"

namespace ecg::replay {

// Each sends its records and returns the word for DONE.
const char* Start(App& app, const wire::REPLAY& command);
const char* TakeBeats(const wire::BEATS& command);
const char* TakeSamples(App& app, const wire::SAMPLES& command);
const char* Finish(App& app);

}  // namespace ecg::replay
