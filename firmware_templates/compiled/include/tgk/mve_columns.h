// Column writer of the Helium kernels: bytes, 16 at a time.
#pragma once

#include <arm_mve.h>

#include "tgk/columns.h"

#define TGK_VECTOR_BYTES 16

static inline void tgk_copy_vectors(void* to,
                                    const int8_t* from,
                                    int32_t count) {
  int8_t* out = (int8_t*)to;
  for (; count > 0; count -= TGK_VECTOR_BYTES) {
    const mve_pred16_t active = vctp8q((uint32_t)count);
    vstrbq_p_s8(out, vldrbq_z_s8(from, active), active);
    out += TGK_VECTOR_BYTES;
    from += TGK_VECTOR_BYTES;
  }
}

static inline void tgk_fill_vectors(void* to, int32_t value, int32_t count) {
  int8_t* out = (int8_t*)to;
  const int8x16_t filler = vdupq_n_s8((int8_t)value);
  for (; count > 0; count -= TGK_VECTOR_BYTES) {
    vstrbq_p_s8(out, filler, vctp8q((uint32_t)count));
    out += TGK_VECTOR_BYTES;
  }
}

static const tgk_column_writer tgk_vector_writer = {
    .copy = tgk_copy_vectors,
    .fill = tgk_fill_vectors,
    .element_bytes = 1,
};
