#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

// Nearest integer, halves away from zero; the argument lies within +-2^23.
static int32_t round_away(float value) {
  const int32_t whole = (int32_t)value;
  const float rest = value - (float)whole;
  if (rest >= 0.5F) {
    return whole + 1;
  }
  return rest <= -0.5F ? whole - 1 : whole;
}

void tgk_quantize_f32_s8(const tgk_quantize* op, const float* in, int8_t* out) {
  for (int32_t i = 0; i < op->count; ++i) {
    const float scaled = in[i] / op->scale;
    // Far outside of int8 the exact value does not matter; NaN becomes 0.
    int32_t steps = 0;
    if (scaled > 1024.0F) {
      steps = 1024;
    } else if (scaled < -1024.0F) {
      steps = -1024;
    } else if (scaled == scaled) {
      steps = round_away(scaled);
    }
    out[i] = (int8_t)tgk_clamp(steps + op->zero_point, INT8_MIN, INT8_MAX);
  }
}

void tgk_dequantize_s8_f32(const tgk_quantize* op,
                           const int8_t* in,
                           float* out) {
  for (int32_t i = 0; i < op->count; ++i) {
    out[i] = op->scale * (float)(in[i] - op->zero_point);
  }
}
