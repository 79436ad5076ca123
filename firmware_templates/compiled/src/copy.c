#include <stddef.h>
#include <string.h>

#include "tgk/kernels.h"
#include "tgk/odometer.h"

void tgk_copy(const tgk_copy_box* op, const void* in, void* out) {
  const unsigned char* from = (const unsigned char*)in;
  unsigned char* to = (unsigned char*)out;
  int32_t index[TGK_MAX_DIMS] = {0};
  int32_t in_offset = 0;
  int32_t out_offset = 0;
  do {
    if (op->row_bytes == 1) {
      to[out_offset] = from[in_offset];
    } else {
      (void)memmove(to + out_offset, from + in_offset, (size_t)op->row_bytes);
    }
  } while (tgk_next_point(op->dims,
                          index,
                          op->in_strides,
                          &in_offset,
                          op->out_strides,
                          &out_offset));
}

void tgk_fill(const tgk_fill_bytes* op, void* out) {
  (void)memset(out, op->value, (size_t)op->bytes);
}
