// The only file that knows the arena's size: changing it recompiles this alone.
#include "ecg/arena.h"

#include "arena_config.h"
#include "ecg/guarded.h"

namespace ecg::arena {
namespace {

static_assert(kArenaBytes % 16 == 0, "the arena's size is a multiple of 16");
static_assert(kArenaBytes >= kArenaNeededBytes,
              "the arena is smaller than what the model is known to need");

// Not zeroed at start-up: the application paints it.
[[gnu::section(".arena")]] Guarded<kArenaBytes> memory;

}  // namespace

void Arm() { memory.Arm(); }

std::size_t SearchFloor() { return kSearchFloorBytes; }

Span Memory() { return {memory.data(), kArenaBytes}; }

bool GuardsIntact() { return memory.IsIntact(); }

}  // namespace ecg::arena
