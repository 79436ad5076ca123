#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

// Sum of one window for one output channel, bias included.
static int32_t window_sum(const tgk_conv* op,
                          const int8_t* image,
                          int32_t y,
                          int32_t x,
                          int32_t channel) {
  const tgk_window* w = &op->window;
  const int32_t depth = w->in_c / op->groups;
  const int32_t group = channel / (w->out_c / op->groups);
  const int32_t taps = w->kernel_h * w->kernel_w;
  const int8_t* weights = op->weights + channel * taps * depth;
  int32_t sum = op->channels[channel].bias;
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t row = y * w->stride_h - w->pad_h + ky * w->dilation_h;
    for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
      const int32_t column = x * w->stride_w - w->pad_w + kx * w->dilation_w;
      if (row >= 0 && row < w->in_h && column >= 0 && column < w->in_w) {
        const int8_t* in =
            image + (row * w->in_w + column) * w->in_c + group * depth;
        for (int32_t c = 0; c < depth; ++c) {
          sum += (in[c] - op->in_zero) * weights[c];
        }
      }
      weights += depth;
    }
  }
  return sum;
}

void tgk_conv_s8(const tgk_conv* op, const int8_t* in, int8_t* out) {
  const tgk_window* w = &op->window;
  const int32_t columns = w->out_w / op->pool_w;
  for (int32_t batch = 0; batch < w->batches; ++batch) {
    const int8_t* image = in + batch * w->in_h * w->in_w * w->in_c;
    for (int32_t y = 0; y < w->out_h; ++y) {
      for (int32_t x = 0; x < columns; ++x) {
        for (int32_t c = 0; c < w->out_c; ++c) {
          // Finishing a sum is monotone, so the largest sum of a pooling
          // window gives its largest output.
          int32_t sum = window_sum(op, image, y, x * op->pool_w, c);
          for (int32_t p = 1; p < op->pool_w; ++p) {
            sum = tgk_max(sum, window_sum(op, image, y, x * op->pool_w + p, c));
          }
          const tgk_channel* channel = &op->channels[c];
          const int32_t value =
              tgk_rescale(sum, channel->multiplier, channel->shift) +
              op->out_zero;
          *out++ = (int8_t)tgk_clamp(value, op->act_min, op->act_max);
        }
      }
    }
  }
}
