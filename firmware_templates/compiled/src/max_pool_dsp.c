#include "tgk/dsp.h"
#include "tgk/kernels.h"
#include "tgk/pool_area.h"

// Largest of four neighbouring channels over the area.
static uint32_t largest_word(const tgk_window* w,
                             const int8_t* image,
                             tgk_area a) {
  uint32_t best = 0x80808080U;
  for (int32_t row = a.top; row < a.bottom; ++row) {
    const int8_t* in = image + (row * w->in_w + a.left) * w->in_c;
    for (int32_t column = a.left; column < a.right; ++column) {
      best = tgk_max_s8x4(best, tgk_load_word(in));
      in += w->in_c;
    }
  }
  return best;
}

static int32_t largest(const tgk_window* w, const int8_t* image, tgk_area a) {
  int32_t best = INT8_MIN;
  for (int32_t row = a.top; row < a.bottom; ++row) {
    const int8_t* in = image + (row * w->in_w + a.left) * w->in_c;
    for (int32_t column = a.left; column < a.right; ++column) {
      best = tgk_max(best, in[0]);
      in += w->in_c;
    }
  }
  return best;
}

static void pool_position(const tgk_pool* op,
                          const int8_t* image,
                          tgk_area inside,
                          int8_t* out) {
  const tgk_window* w = &op->window;
  int32_t c = 0;
  for (; c + 4 <= w->in_c; c += 4) {
    tgk_store_word(out + c, largest_word(w, image + c, inside));
  }
  for (; c < w->in_c; ++c) {
    out[c] = (int8_t)largest(w, image + c, inside);
  }
  tgk_clamp_s8(out, w->in_c, op->act_min, op->act_max);
}

void tgk_max_pool_s8_dsp(const tgk_pool* op, const int8_t* in, int8_t* out) {
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
