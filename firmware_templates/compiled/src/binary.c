#include "tgk/fixed_point.h"
#include "tgk/kernels.h"
#include "tgk/odometer.h"

// ADD and SUB work on operands shifted left by so many bits.
#define GUARD_BITS 20

typedef int32_t (*combine)(const tgk_binary* op, int32_t a, int32_t b);

static int32_t scaled_a(const tgk_binary* op, int32_t a) {
  return tgk_rescale(a * (1 << GUARD_BITS), op->a_multiplier, op->a_shift);
}

static int32_t scaled_b(const tgk_binary* op, int32_t b) {
  return tgk_rescale(b * (1 << GUARD_BITS), op->b_multiplier, op->b_shift);
}

static int32_t sum_of(const tgk_binary* op, int32_t a, int32_t b) {
  return scaled_a(op, a) + scaled_b(op, b);
}

static int32_t difference_of(const tgk_binary* op, int32_t a, int32_t b) {
  return scaled_a(op, a) - scaled_b(op, b);
}

static int32_t product_of(const tgk_binary* op, int32_t a, int32_t b) {
  (void)op;
  return a * b;
}

static void binary(const tgk_binary* op,
                   const int8_t* a,
                   const int8_t* b,
                   int8_t* out,
                   combine raw_of) {
  int32_t index[TGK_MAX_DIMS] = {0};
  int32_t a_offset = 0;
  int32_t b_offset = 0;
  do {
    const int32_t raw =
        raw_of(op, a[a_offset] - op->a_zero, b[b_offset] - op->b_zero);
    const int32_t value =
        tgk_rescale(raw, op->out_multiplier, op->out_shift) + op->out_zero;
    *out++ = (int8_t)tgk_clamp(value, op->act_min, op->act_max);
  } while (tgk_next_point(
      op->dims, index, op->a_strides, &a_offset, op->b_strides, &b_offset));
}

void tgk_add_s8(const tgk_binary* op,
                const int8_t* a,
                const int8_t* b,
                int8_t* out) {
  binary(op, a, b, out, sum_of);
}

void tgk_sub_s8(const tgk_binary* op,
                const int8_t* a,
                const int8_t* b,
                int8_t* out) {
  binary(op, a, b, out, difference_of);
}

void tgk_mul_s8(const tgk_binary* op,
                const int8_t* a,
                const int8_t* b,
                int8_t* out) {
  binary(op, a, b, out, product_of);
}
