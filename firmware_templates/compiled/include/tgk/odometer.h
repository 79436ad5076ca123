// Walks a box of up to TGK_MAX_DIMS dimensions and keeps offsets into strided
// arrays in step.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tgk/kernels.h"

// Advances index to the next point of dims, the last dimension fastest, and
// moves both offsets along; false (everything back at 0) behind the last point.
static inline bool tgk_next_point(const int32_t* dims,
                                  int32_t* index,
                                  const int32_t* a_strides,
                                  int32_t* a_offset,
                                  const int32_t* b_strides,
                                  int32_t* b_offset) {
  for (int32_t d = TGK_MAX_DIMS - 1; d >= 0; --d) {
    ++index[d];
    *a_offset += a_strides[d];
    *b_offset += b_strides[d];
    if (index[d] < dims[d]) {
      return true;
    }
    *a_offset -= a_strides[d] * dims[d];
    *b_offset -= b_strides[d] * dims[d];
    index[d] = 0;
  }
  return false;
}
