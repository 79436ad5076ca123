#include <arm_mve.h>

#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

#define VECTOR_BYTES 16

static inline int8_t finish(const tgk_fully_connected* op,
                            int32_t sum,
                            const tgk_channel* channel) {
  const int32_t value =
      tgk_rescale(sum + channel->bias, channel->multiplier, channel->shift) +
      op->out_zero;
  return (int8_t)tgk_clamp(value, op->act_min, op->act_max);
}

static void four_outputs(const tgk_fully_connected* op,
                         const int8_t* in,
                         const int8_t* weights,
                         const tgk_channel* channels,
                         int8_t* out) {
  const int8_t* row1 = weights + op->in_c;
  const int8_t* row2 = row1 + op->in_c;
  const int8_t* row3 = row2 + op->in_c;
  int32_t s0 = 0;
  int32_t s1 = 0;
  int32_t s2 = 0;
  int32_t s3 = 0;
  int32_t left = op->in_c;
  for (; left >= VECTOR_BYTES; left -= VECTOR_BYTES) {
    const int8x16_t x = vldrbq_s8(in);
    s0 = vmladavaq_s8(s0, x, vldrbq_s8(weights));
    s1 = vmladavaq_s8(s1, x, vldrbq_s8(row1));
    s2 = vmladavaq_s8(s2, x, vldrbq_s8(row2));
    s3 = vmladavaq_s8(s3, x, vldrbq_s8(row3));
    in += VECTOR_BYTES;
    weights += VECTOR_BYTES;
    row1 += VECTOR_BYTES;
    row2 += VECTOR_BYTES;
    row3 += VECTOR_BYTES;
  }
  if (left > 0) {
    const mve_pred16_t active = vctp8q((uint32_t)left);
    const int8x16_t x = vldrbq_z_s8(in, active);
    s0 = vmladavaq_s8(s0, x, vldrbq_z_s8(weights, active));
    s1 = vmladavaq_s8(s1, x, vldrbq_z_s8(row1, active));
    s2 = vmladavaq_s8(s2, x, vldrbq_z_s8(row2, active));
    s3 = vmladavaq_s8(s3, x, vldrbq_z_s8(row3, active));
  }
  out[0] = finish(op, s0, &channels[0]);
  out[1] = finish(op, s1, &channels[1]);
  out[2] = finish(op, s2, &channels[2]);
  out[3] = finish(op, s3, &channels[3]);
}

static void one_output(const tgk_fully_connected* op,
                       const int8_t* in,
                       const int8_t* weights,
                       const tgk_channel* channel,
                       int8_t* out) {
  int32_t sum = 0;
  for (int32_t left = op->in_c; left > 0; left -= VECTOR_BYTES) {
    const mve_pred16_t active = vctp8q((uint32_t)left);
    sum = vmladavaq_s8(
        sum, vldrbq_z_s8(in, active), vldrbq_z_s8(weights, active));
    in += VECTOR_BYTES;
    weights += VECTOR_BYTES;
  }
  *out = finish(op, sum, channel);
}

void tgk_fully_connected_s8_mve(const tgk_fully_connected* op,
                                const int8_t* in,
                                int8_t* out) {
  for (int32_t batch = 0; batch < op->batches; ++batch) {
    const int8_t* weights = op->weights;
    const tgk_channel* channels = op->channels;
    int32_t left = op->out_c;
    for (; left >= 4; left -= 4) {
      four_outputs(op, in, weights, channels, out);
      weights += 4 * op->in_c;
      channels += 4;
      out += 4;
    }
    for (; left > 0; --left) {
      one_output(op, in, weights, channels, out);
      weights += op->in_c;
      ++channels;
      ++out;
    }
    in += op->in_c;
  }
}
