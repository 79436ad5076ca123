// How small the arena could be, found out by the firmware itself.
#pragma once

#include "ecg/model_runner.h"
#include "ecg/wire.h"

namespace ecg {

// Finds bounds of the smallest arena, after an inference in the whole arena.
//
// The runtime's own figure is the lower bound; larger arenas are tried until
// one runs. None below arena::SearchFloor() is tried: there an allocation could
// fail that no kernel checks. Above, only the runtime's planner can fail, and
// says so.
//
// Afterwards the whole arena is in use again, the golden vector in its inputs.
wire::NEED FindArenaNeed(ModelRunner& runner, OpTrace* trace);

}  // namespace ecg
