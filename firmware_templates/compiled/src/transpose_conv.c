#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

// Sum of all inputs whose patch covers one output. Input row r covers output
// rows r * stride - pad ... + kernel - 1.
static int32_t covering_sum(const tgk_transpose_conv* op,
                            const int8_t* image,
                            int32_t y,
                            int32_t x,
                            int32_t channel) {
  const tgk_window* w = &op->window;
  int32_t sum = op->channels[channel].bias;
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t above = y + w->pad_h - ky;
    if (above < 0 || above % w->stride_h != 0 ||
        above / w->stride_h >= w->in_h) {
      continue;
    }
    const int32_t row = above / w->stride_h;
    for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
      const int32_t before = x + w->pad_w - kx;
      if (before < 0 || before % w->stride_w != 0 ||
          before / w->stride_w >= w->in_w) {
        continue;
      }
      const int32_t column = before / w->stride_w;
      const int8_t* in = image + (row * w->in_w + column) * w->in_c;
      const int8_t* weights =
          op->weights +
          ((channel * w->kernel_h + ky) * w->kernel_w + kx) * w->in_c;
      for (int32_t c = 0; c < w->in_c; ++c) {
        sum += (in[c] - op->in_zero) * weights[c];
      }
    }
  }
  return sum;
}

void tgk_transpose_conv_s8(const tgk_transpose_conv* op,
                           const int8_t* in,
                           int8_t* out) {
  const tgk_window* w = &op->window;
  for (int32_t batch = 0; batch < w->batches; ++batch) {
    const int8_t* image = in + batch * w->in_h * w->in_w * w->in_c;
    for (int32_t y = 0; y < w->out_h; ++y) {
      for (int32_t x = 0; x < w->out_w; ++x) {
        for (int32_t c = 0; c < w->out_c; ++c) {
          const tgk_channel* channel = &op->channels[c];
          const int32_t value = tgk_rescale(covering_sum(op, image, y, x, c),
                                            channel->multiplier,
                                            channel->shift) +
                                op->out_zero;
          *out++ = (int8_t)tgk_clamp(value, op->act_min, op->act_max);
        }
      }
    }
  }
}
