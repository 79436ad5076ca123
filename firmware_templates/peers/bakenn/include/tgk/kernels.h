// Stands in for the engine's kernels: one call runs all of a model that bakenn
// compiled.
#pragma once

#include <stdint.h>

#include "bknn_model.h"

typedef struct {
  int32_t arena_bytes;
} tgk_bakenn;

static inline void tgk_run_bakenn(const tgk_bakenn* op,
                                  uint8_t* arena,
                                  const int8_t* in,
                                  int8_t* out) {
  bknn_model_infer(op->arena_bytes == 0 ? (uint8_t*)0 : arena, in, out);
}
