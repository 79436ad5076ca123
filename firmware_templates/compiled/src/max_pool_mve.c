#include <arm_mve.h>

#include "tgk/fixed_point.h"
#include "tgk/kernels.h"
#include "tgk/pool_area.h"

#define VECTOR_BYTES 16

static void pool_position(const tgk_pool* op,
                          const int8_t* image,
                          tgk_area inside,
                          int8_t* out) {
  const tgk_window* w = &op->window;
  const int8x16_t low = vdupq_n_s8((int8_t)op->act_min);
  const int8x16_t high = vdupq_n_s8((int8_t)op->act_max);
  for (int32_t c = 0; c < w->in_c; c += VECTOR_BYTES) {
    const mve_pred16_t active = vctp8q((uint32_t)(w->in_c - c));
    int8x16_t best = vdupq_n_s8(INT8_MIN);
    for (int32_t row = inside.top; row < inside.bottom; ++row) {
      const int8_t* in = image + (row * w->in_w + inside.left) * w->in_c + c;
      for (int32_t column = inside.left; column < inside.right; ++column) {
        best = vmaxq_s8(best, vldrbq_z_s8(in, active));
        in += w->in_c;
      }
    }
    vstrbq_p_s8(out + c, vminq_s8(vmaxq_s8(best, low), high), active);
  }
}

void tgk_max_pool_s8_mve(const tgk_pool* op, const int8_t* in, int8_t* out) {
  const tgk_window* w = &op->window;
  for (int32_t batch = 0; batch < w->batches; ++batch) {
    const int8_t* image = in + batch * w->in_h * w->in_w * w->in_c;
    for (int32_t y = 0; y < w->out_h; ++y) {
      for (int32_t x = 0; x < w->out_w; ++x) {
        pool_position(op, image, tgk_clip(w, y, x), out);
        out += w->in_c;
      }
    }
  }
}
