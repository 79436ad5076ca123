#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

void tgk_fully_connected_s8(const tgk_fully_connected* op,
                            const int8_t* in,
                            int8_t* out) {
  for (int32_t batch = 0; batch < op->batches; ++batch) {
    const int8_t* weights = op->weights;
    for (int32_t c = 0; c < op->out_c; ++c) {
      const tgk_channel* channel = &op->channels[c];
      int32_t sum = channel->bias;
      for (int32_t i = 0; i < op->in_c; ++i) {
        sum += (in[i] - op->in_zero) * weights[i];
      }
      const int32_t value =
          tgk_rescale(sum, channel->multiplier, channel->shift) + op->out_zero;
      *out++ = (int8_t)tgk_clamp(value, op->act_min, op->act_max);
      weights += op->in_c;
    }
    in += op->in_c;
  }
}
