#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

// Sums of exponentials keep 12 integer bits, of which one is the sign.
#define SUM_INTEGER_BITS 12
#define OUTPUT_BITS 8
#define ONE_Q29 (1 << 29)

static int32_t leading_zeros(uint32_t value) {
  int32_t count = 0;
  while (count < 32 && (value & 0x80000000U) == 0U) {
    value <<= 1;
    ++count;
  }
  return count;
}

// value * 2^exponent, saturated.
static int32_t saturating_shift_left(int32_t value, int32_t exponent) {
  const int64_t shifted = (int64_t)value * ((int64_t)1 << exponent);
  if (shifted > INT32_MAX) {
    return INT32_MAX;
  }
  return shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

// 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31, by three steps of Newton's
// method from 48/17 - 32/17 * half.
static int32_t reciprocal_one_plus(int32_t x) {
  const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
  int32_t estimate = 1515870810 + tgk_high_mul(half, -1010580540);
  for (int32_t step = 0; step < 3; ++step) {
    const int32_t error = ONE_Q29 - tgk_high_mul(half, estimate);
    estimate += saturating_shift_left(tgk_high_mul(estimate, error), 2);
  }
  return saturating_shift_left(estimate, 1);
}

static int32_t row_maximum(const int8_t* row, int32_t depth) {
  int32_t best = INT8_MIN;
  for (int32_t i = 0; i < depth; ++i) {
    best = tgk_max(best, row[i]);
  }
  return best;
}

static void softmax_row(const tgk_softmax* op, const int8_t* in, int8_t* out) {
  const int32_t best = row_maximum(in, op->depth);
  int32_t sum = 0;
  for (int32_t i = 0; i < op->depth; ++i) {
    const int32_t difference = best - in[i];
    if (difference < op->exponential_count) {
      sum += tgk_divide_pot(op->exponentials[difference], SUM_INTEGER_BITS);
    }
  }
  // sum = 2^(12 - headroom) * (1 + fraction)
  const int32_t headroom = leading_zeros((uint32_t)sum);
  const uint32_t bits = ((uint32_t)sum << headroom) - 0x80000000U;
  const int32_t scale = reciprocal_one_plus((int32_t)bits);
  const int32_t exponent = SUM_INTEGER_BITS - headroom + 31 - OUTPUT_BITS;
  for (int32_t i = 0; i < op->depth; ++i) {
    const int32_t difference = best - in[i];
    int32_t value = INT8_MIN;
    if (difference < op->exponential_count) {
      const int32_t share = tgk_high_mul(scale, op->exponentials[difference]);
      value += tgk_divide_pot(share, exponent);
    }
    out[i] = (int8_t)tgk_clamp(value, INT8_MIN, INT8_MAX);
  }
}

void tgk_softmax_s8(const tgk_softmax* op, const int8_t* in, int8_t* out) {
  for (int32_t row = 0; row < op->rows; ++row) {
    softmax_row(op, in, out);
    in += op->depth;
    out += op->depth;
  }
}
