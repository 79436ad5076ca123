#include <stddef.h>
#include <string.h>

#include "tgk/kernels.h"

void tgk_resize_nearest_s8(const tgk_resize* op,
                           const int8_t* in,
                           int8_t* out) {
  for (int32_t batch = 0; batch < op->batches; ++batch) {
    for (int32_t y = 0; y < op->out_h; ++y) {
      const int8_t* row = in + op->rows[y] * op->in_w * op->channels;
      for (int32_t x = 0; x < op->out_w; ++x) {
        (void)memcpy(
            out, row + op->columns[x] * op->channels, (size_t)op->channels);
        out += op->channels;
      }
    }
    in += op->in_h * op->in_w * op->channels;
  }
}
