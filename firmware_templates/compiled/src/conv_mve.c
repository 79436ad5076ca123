#include <arm_mve.h>

#include "tgk/kernels.h"
#include "tgk/mve_columns.h"

// Sums of two channels for three windows, in the order window, channel.
static inline void three_windows(const int8_t* weights,
                                 int32_t k_vectors,
                                 const int8_t* first,
                                 int32_t stride,
                                 int32_t* sums) {
  const int8_t* second = first + stride;
  const int8_t* third = second + stride;
  int32_t a0 = 0;
  int32_t a1 = 0;
  int32_t b0 = 0;
  int32_t b1 = 0;
  int32_t c0 = 0;
  int32_t c1 = 0;
  for (int32_t v = 0; v < k_vectors; ++v) {
    const int8x16_t weights0 = vldrbq_s8(weights);
    const int8x16_t weights1 = vldrbq_s8(weights + TGK_VECTOR_BYTES);
    const int8x16_t a = vldrbq_s8(first);
    const int8x16_t b = vldrbq_s8(second);
    const int8x16_t c = vldrbq_s8(third);
    a0 = vmladavaq_s8(a0, a, weights0);
    a1 = vmladavaq_s8(a1, a, weights1);
    b0 = vmladavaq_s8(b0, b, weights0);
    b1 = vmladavaq_s8(b1, b, weights1);
    c0 = vmladavaq_s8(c0, c, weights0);
    c1 = vmladavaq_s8(c1, c, weights1);
    weights += 2 * TGK_VECTOR_BYTES;
    first += TGK_VECTOR_BYTES;
    second += TGK_VECTOR_BYTES;
    third += TGK_VECTOR_BYTES;
  }
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = b0;
  sums[3] = b1;
  sums[4] = c0;
  sums[5] = c1;
}

// Four sums of one channel; the shift is to the right and positive, so the
// sign of the product decides how halves are rounded.
static inline int32x4_t finish(int32x4_t sums, const tgk_channel* channel) {
  int32x4_t value = vaddq_n_s32(sums, channel->bias);
  value = vqrdmulhq_n_s32(value, channel->multiplier);
  value = vaddq_s32(value, vshrq_n_s32(value, 31));
  return vrshlq_n_s32(value, channel->shift);
}

// Finishes the sums of two channels and scatters them into the output.
static void finish_tile(const tgk_conv_mve* op,
                        const tgk_channel* channels,
                        const int32_t* sums,
                        int32_t n_outputs,
                        mve_pred16_t lanes,
                        int8_t* out) {
  const int32_t depth = op->window.out_c;
  // Lanes hold output 0 channel 0, output 0 channel 1, output 1 channel 0, ...
  const uint16x8_t numbers = vidupq_n_u16(0, 1);
  const uint16x8_t offsets =
      vaddq_u16(vmulq_n_u16(vshrq_n_u16(numbers, 1), (uint16_t)depth),
                vandq_u16(numbers, vdupq_n_u16(1)));
  const int16x8_t low = vdupq_n_s16((int16_t)op->act_min);
  const int16x8_t high = vdupq_n_s16((int16_t)op->act_max);
  for (; n_outputs > 0; n_outputs -= 4) {
    int32x4_t channel0;
    int32x4_t channel1;
    if (op->pool_w == 2) {
      const int32x4x4_t pairs = vld4q_s32(sums);
      channel0 = vmaxq_s32(pairs.val[0], pairs.val[2]);
      channel1 = vmaxq_s32(pairs.val[1], pairs.val[3]);
      sums += 16;
    } else {
      const int32x4x2_t both = vld2q_s32(sums);
      channel0 = both.val[0];
      channel1 = both.val[1];
      sums += 8;
    }
    int16x8_t values = vdupq_n_s16(0);
    values = vqmovnbq_s32(values, finish(channel0, &channels[0]));
    values = vqmovntq_s32(values, finish(channel1, &channels[1]));
    values = vqaddq_n_s16(values, (int16_t)op->out_zero);
    values = vminq_s16(vmaxq_s16(values, low), high);
    const mve_pred16_t active =
        (mve_pred16_t)(lanes & vctp16q(2U * (uint32_t)n_outputs));
    vstrbq_scatter_offset_p_s16(out, offsets, values, active);
    out += 4 * depth;
  }
}

// All channels of a tile of outputs from its windows.
static void multiply_tile(const tgk_conv_mve* op,
                          const int8_t* columns,
                          int32_t stride,
                          int32_t count,
                          int32_t* sums,
                          int8_t* out) {
  const int8_t* weights = op->weights;
  const tgk_channel* channels = op->channels;
  for (int32_t left = op->window.out_c; left > 0; left -= 2) {
    const int8_t* window = columns;
    int32_t* sum = sums;
    for (int32_t i = 0; i < count; i += 3) {
      three_windows(weights, op->k_vectors, window, stride, sum);
      window += 3 * stride;
      sum += 6;
    }
    // A single last channel fills every other lane.
    const mve_pred16_t lanes = left > 1 ? 0xFFFFU : 0x3333U;
    finish_tile(op, channels, sums, count / op->pool_w, lanes, out);
    weights += 2 * TGK_VECTOR_BYTES * op->k_vectors;
    channels += 2;
    out += 2;
  }
}

void tgk_conv_s8_mve(const tgk_conv_mve* op,
                     const int8_t* in,
                     int8_t* out,
                     int32_t* scratch) {
  const tgk_window* w = &op->window;
  const int32_t window_elements = op->k_vectors * TGK_VECTOR_BYTES;
  const int32_t stride = tgk_column_stride(w, window_elements);
  const int32_t n_positions = w->out_w - w->out_w % op->pool_w;
  int8_t* columns = (int8_t*)(scratch + 2 * ((op->tile + 7) / 8 * 8));
  for (int32_t row = 0; row < w->batches * w->out_h; ++row) {
    const int8_t* image = in + row / w->out_h * w->in_h * w->in_w * w->in_c;
    for (int32_t x = 0; x < n_positions; x += op->tile) {
      const int32_t count = tgk_min(op->tile, n_positions - x);
      tgk_write_columns(tgk_vector_writer,
                        w,
                        image,
                        row % w->out_h,
                        x,
                        count,
                        window_elements,
                        op->in_zero,
                        columns);
      multiply_tile(op, columns, stride, count, scratch, out);
      out += count / op->pool_w * w->out_c;
    }
  }
}
