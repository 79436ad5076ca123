#include "tgk/fixed_point.h"
#include "tgk/kernels.h"
#include "tgk/pool_area.h"

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

static int32_t average(const tgk_window* w, const int8_t* image, tgk_area a) {
  const int32_t count = (a.bottom - a.top) * (a.right - a.left);
  int32_t sum = 0;
  for (int32_t row = a.top; row < a.bottom; ++row) {
    const int8_t* in = image + (row * w->in_w + a.left) * w->in_c;
    for (int32_t column = a.left; column < a.right; ++column) {
      sum += in[0];
      in += w->in_c;
    }
  }
  // Halves away from zero.
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

typedef int32_t (*reduce)(const tgk_window* w, const int8_t* image, tgk_area a);

static void pool(const tgk_pool* op,
                 const int8_t* in,
                 int8_t* out,
                 reduce value_of) {
  const tgk_window* w = &op->window;
  for (int32_t batch = 0; batch < w->batches; ++batch) {
    const int8_t* image = in + batch * w->in_h * w->in_w * w->in_c;
    for (int32_t y = 0; y < w->out_h; ++y) {
      for (int32_t x = 0; x < w->out_w; ++x) {
        const tgk_area inside = tgk_clip(w, y, x);
        for (int32_t c = 0; c < w->in_c; ++c) {
          const int32_t value = value_of(w, image + c, inside);
          *out++ = (int8_t)tgk_clamp(value, op->act_min, op->act_max);
        }
      }
    }
  }
}

void tgk_max_pool_s8(const tgk_pool* op, const int8_t* in, int8_t* out) {
  pool(op, in, out, largest);
}

void tgk_average_pool_s8(const tgk_pool* op, const int8_t* in, int8_t* out) {
  pool(op, in, out, average);
}
