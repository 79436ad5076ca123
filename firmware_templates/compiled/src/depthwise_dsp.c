#include "tgk/byte_columns.h"
#include "tgk/dsp.h"
#include "tgk/kernels.h"

static inline int8_t finish(const tgk_depthwise_fast* op,
                            int32_t sum,
                            const tgk_fast_channel* channel) {
  const int32_t value = tgk_finish_fast(sum, channel);
  return (int8_t)tgk_clamp(value, op->act_min, op->act_max);
}

// Four channels of one output. Two taps are multiplied at once: their bytes of
// a channel become the halves of a word.
static void four_channels(const tgk_depthwise_fast* op,
                          const int8_t* in,
                          int32_t taps,
                          const int32_t* weights,
                          const tgk_fast_channel* channels,
                          int32_t count,
                          int8_t* out) {
  const int32_t depth = op->window.in_c;
  int32_t s0 = 0;
  int32_t s1 = 0;
  int32_t s2 = 0;
  int32_t s3 = 0;
  for (; taps > 0; taps -= 2) {
    // The weight of a missing last tap is 0.
    const uint32_t first = tgk_load_word(in);
    const uint32_t second = tgk_load_word(taps > 1 ? in + depth : in);
    const uint32_t first_even = tgk_sxtb16(first);
    const uint32_t first_odd = tgk_sxtb16_odd(first);
    const uint32_t second_even = tgk_sxtb16(second);
    const uint32_t second_odd = tgk_sxtb16_odd(second);
    s0 = tgk_smlad(
        tgk_pack_low(first_even, second_even), (uint32_t)weights[0], s0);
    s1 = tgk_smlad(
        tgk_pack_low(first_odd, second_odd), (uint32_t)weights[1], s1);
    s2 = tgk_smlad(
        tgk_pack_high(first_even, second_even), (uint32_t)weights[2], s2);
    s3 = tgk_smlad(
        tgk_pack_high(first_odd, second_odd), (uint32_t)weights[3], s3);
    weights += 4;
    in += 2 * depth;
  }
  out[0] = finish(op, s0, &channels[0]);
  if (count > 1) {
    out[1] = finish(op, s1, &channels[1]);
  }
  if (count > 2) {
    out[2] = finish(op, s2, &channels[2]);
  }
  if (count > 3) {
    out[3] = finish(op, s3, &channels[3]);
  }
}

static void multiply_tile(const tgk_depthwise_fast* op,
                          const int8_t* columns,
                          int32_t stride,
                          int32_t n_outputs,
                          int8_t* out) {
  const int32_t depth = op->window.in_c;
  const int32_t taps = op->window.kernel_h * op->window.kernel_w;
  const int32_t words = (taps + 1) / 2 * 4;
  for (int32_t i = 0; i < n_outputs; ++i) {
    const int32_t* weights = op->weights;
    for (int32_t c = 0; c < depth; c += 4) {
      four_channels(
          op, columns + c, taps, weights, op->channels + c, depth - c, out + c);
      weights += words;
    }
    columns += stride;
    out += depth;
  }
}

void tgk_depthwise_s8_dsp(const tgk_depthwise_fast* op,
                          const int8_t* in,
                          int8_t* out,
                          int8_t* columns) {
  const tgk_window* w = &op->window;
  const int32_t elements = w->kernel_h * w->kernel_w * w->in_c;
  const int32_t stride = tgk_column_stride(w, elements);
  for (int32_t row = 0; row < w->batches * w->out_h; ++row) {
    const int8_t* image = in + row / w->out_h * w->in_h * w->in_w * w->in_c;
    for (int32_t x = 0; x < w->out_w; x += op->tile) {
      const int32_t count = tgk_min(op->tile, w->out_w - x);
      tgk_write_columns(tgk_byte_writer,
                        w,
                        image,
                        row % w->out_h,
                        x,
                        count,
                        elements,
                        op->in_zero,
                        columns);
      multiply_tile(op, columns, stride, count, out);
      out += count * w->out_c;
    }
  }
}
