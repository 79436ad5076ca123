#include "tgk/fixed_point.h"
#include "tgk/kernels.h"
#include "tgk/odometer.h"

// Sum over the reduced dimensions of the input that starts at in.
static int32_t reduced_sum(const tgk_reduce* op, const int8_t* in) {
  int32_t index[TGK_MAX_DIMS] = {0};
  int32_t offset = 0;
  int32_t unused = 0;
  int32_t sum = 0;
  do {
    sum += in[offset];
  } while (tgk_next_point(op->reduced_dims,
                          index,
                          op->reduced_strides,
                          &offset,
                          op->reduced_strides,
                          &unused));
  return sum;
}

void tgk_mean_s8(const tgk_reduce* op, const int8_t* in, int8_t* out) {
  int32_t index[TGK_MAX_DIMS] = {0};
  int32_t offset = 0;
  int32_t unused = 0;
  do {
    const int32_t sum = reduced_sum(op, in + offset) - op->in_zero * op->count;
    const int32_t value =
        tgk_rescale(sum, op->multiplier, op->shift) + op->out_zero;
    *out++ = (int8_t)tgk_clamp(value, INT8_MIN, INT8_MAX);
  } while (tgk_next_point(op->kept_dims,
                          index,
                          op->kept_strides,
                          &offset,
                          op->kept_strides,
                          &unused));
}
