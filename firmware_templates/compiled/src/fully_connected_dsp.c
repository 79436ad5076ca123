#include <stddef.h>

#include "tgk/dsp.h"
#include "tgk/kernels.h"

// A word of four weights holds, in its low half, w1 * 256 + w0 + 128 (in its
// high half the same of w3 and w2). Two multiplications give all four
// products: the half times x0, and w1 times x1 - 256 * x0 - 128. What is too
// much is 128 * x0 - 128 * w1; the first part is the same for all outputs, the
// second is in the bias.
#define ODD_FLIP 0xFF80FF80U
#define ONES 0x00010001U

static inline int32_t multiply(uint32_t weights,
                               uint32_t even,
                               uint32_t mixed,
                               int32_t sum) {
  sum = tgk_smlad(weights, even, sum);
  return tgk_smlad(tgk_sxtb16_odd(weights), mixed, sum);
}

typedef struct {
  int32_t outputs[4];
  int32_t even;  // Of the inputs at even places.
} word_sums;

static inline word_sums multiply_word(const uint32_t* weights,
                                      uint32_t inputs,
                                      word_sums s) {
  const uint32_t even = tgk_sxtb16(inputs);
  const uint32_t mixed = tgk_rev16(inputs) ^ ODD_FLIP;
  s.even = tgk_smlad(even, ONES, s.even);
  s.outputs[0] = multiply(weights[0], even, mixed, s.outputs[0]);
  s.outputs[1] = multiply(weights[1], even, mixed, s.outputs[1]);
  s.outputs[2] = multiply(weights[2], even, mixed, s.outputs[2]);
  s.outputs[3] = multiply(weights[3], even, mixed, s.outputs[3]);
  return s;
}

static void four_outputs(const tgk_fully_connected_fast* op,
                         const int8_t* in,
                         const uint32_t* weights,
                         int32_t* sums) {
  const uint32_t* end = weights + op->in_c / 4 * 4;
  word_sums s = {{0, 0, 0, 0}, 0};
  while (weights != end) {
    s = multiply_word(weights, tgk_load_word(in), s);
    weights += 4;
    in += 4;
  }
  if (op->in_c % 4 != 0) {
    uint32_t last = 0;
    (void)memcpy(&last, in, (size_t)(op->in_c % 4));
    s = multiply_word(weights, last, s);
  }
  for (int32_t c = 0; c < 4; ++c) {
    sums[c] = s.outputs[c] - 128 * s.even;
  }
}

void tgk_fully_connected_s8_dsp(const tgk_fully_connected_fast* op,
                                const int8_t* in,
                                int8_t* out) {
  for (int32_t batch = 0; batch < op->batches; ++batch) {
    const uint32_t* weights = op->weights;
    const tgk_fast_channel* channels = op->channels;
    for (int32_t left = op->out_c; left > 0; left -= 4) {
      int32_t sums[4];
      four_outputs(op, in, weights, sums);
      for (int32_t c = 0; c < tgk_min(left, 4); ++c) {
        const int32_t value = tgk_finish_fast(sums[c], &channels[c]);
        *out++ = (int8_t)tgk_clamp(value, op->act_min, op->act_max);
      }
      weights += 4 * op->k_words;
      channels += 4;
    }
    in += op->in_c;
  }
}
