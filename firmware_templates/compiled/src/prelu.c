#include "tgk/fixed_point.h"
#include "tgk/kernels.h"
#include "tgk/odometer.h"

void tgk_prelu_s8(const tgk_binary* op,
                  const int8_t* in,
                  const int8_t* alpha,
                  int8_t* out) {
  int32_t index[TGK_MAX_DIMS] = {0};
  int32_t in_offset = 0;
  int32_t alpha_offset = 0;
  do {
    const int32_t x = in[in_offset] - op->a_zero;
    const int32_t product = x * (alpha[alpha_offset] - op->b_zero);
    const int32_t scaled =
        x >= 0 ? tgk_rescale(x, op->a_multiplier, op->a_shift)
               : tgk_rescale(product, op->out_multiplier, op->out_shift);
    *out++ = (int8_t)tgk_clamp(scaled + op->out_zero, op->act_min, op->act_max);
  } while (tgk_next_point(op->dims,
                          index,
                          op->a_strides,
                          &in_offset,
                          op->b_strides,
                          &alpha_offset));
}
