#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

static int32_t window_sum(const tgk_depthwise* op,
                          const int8_t* image,
                          int32_t y,
                          int32_t x,
                          int32_t channel) {
  const tgk_window* w = &op->window;
  const int32_t in_channel = channel / op->depth_multiplier;
  int32_t sum = op->channels[channel].bias;
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t row = y * w->stride_h - w->pad_h + ky * w->dilation_h;
    if (row < 0 || row >= w->in_h) {
      continue;
    }
    const int8_t* in_row = image + row * w->in_w * w->in_c + in_channel;
    const int8_t* weights = op->weights + ky * w->kernel_w * w->out_c + channel;
    int32_t column = x * w->stride_w - w->pad_w;
    for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
      if (column >= 0 && column < w->in_w) {
        sum += (in_row[column * w->in_c] - op->in_zero) * weights[0];
      }
      weights += w->out_c;
      column += w->dilation_w;
    }
  }
  return sum;
}

void tgk_depthwise_s8(const tgk_depthwise* op, const int8_t* in, int8_t* out) {
  const tgk_window* w = &op->window;
  for (int32_t batch = 0; batch < w->batches; ++batch) {
    const int8_t* image = in + batch * w->in_h * w->in_w * w->in_c;
    for (int32_t y = 0; y < w->out_h; ++y) {
      for (int32_t x = 0; x < w->out_w; ++x) {
        for (int32_t c = 0; c < w->out_c; ++c) {
          const tgk_channel* channel = &op->channels[c];
          const int32_t value = tgk_rescale(window_sum(op, image, y, x, c),
                                            channel->multiplier,
                                            channel->shift) +
                                op->out_zero;
          *out++ = (int8_t)tgk_clamp(value, op->act_min, op->act_max);
        }
      }
    }
  }
}
