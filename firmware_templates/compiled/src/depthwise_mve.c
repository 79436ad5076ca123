#include <arm_mve.h>

#include "tgk/kernels.h"
#include "tgk/mve_columns.h"

// Constants of four channels, one per lane.
typedef struct {
  int32x4_t bias;
  int32x4_t multiplier;
  int32x4_t shift;
} lane_constants;

static lane_constants load_constants(const tgk_channel* channels) {
  const int32_t* rows = &channels->bias;
  const uint32x4_t members = vmulq_n_u32(vidupq_n_u32(0, 1), 3);
  const lane_constants constants = {
      .bias = vldrwq_gather_shifted_offset_s32(rows, members),
      .multiplier = vldrwq_gather_shifted_offset_s32(rows + 1, members),
      .shift = vldrwq_gather_shifted_offset_s32(rows + 2, members),
  };
  return constants;
}

// Four channels of all outputs of a tile.
static void four_channels(const tgk_depthwise_mve* op,
                          const int8_t* columns,
                          int32_t stride,
                          int32_t n_outputs,
                          int32_t first_channel,
                          int8_t* out) {
  const int32_t depth = op->window.in_c;
  const int32_t taps = op->window.kernel_h * op->window.kernel_w;
  const lane_constants constants = load_constants(op->channels + first_channel);
  const int32x4_t low = vdupq_n_s32(op->act_min);
  const int32x4_t high = vdupq_n_s32(op->act_max);
  const mve_pred16_t active = vctp32q((uint32_t)(depth - first_channel));
  for (int32_t i = 0; i < n_outputs; ++i) {
    const int8_t* in = columns;
    const int8_t* weights = op->weights + first_channel;
    int32x4_t sum = constants.bias;
    for (int32_t tap = 0; tap < taps; ++tap) {
      sum = vaddq_s32(sum, vmulq_s32(vldrbq_s32(in), vldrbq_s32(weights)));
      in += depth;
      weights += depth;
    }
    // The shift is to the right and positive, so the sign of the product
    // decides how halves are rounded.
    int32x4_t value = vqrdmulhq_s32(sum, constants.multiplier);
    value = vaddq_s32(value, vshrq_n_s32(value, 31));
    value = vaddq_n_s32(vrshlq_s32(value, constants.shift), op->out_zero);
    value = vminq_s32(vmaxq_s32(value, low), high);
    vstrbq_p_s32(out, value, active);
    columns += stride;
    out += depth;
  }
}

static void multiply_tile(const tgk_depthwise_mve* op,
                          const int8_t* columns,
                          int32_t stride,
                          int32_t n_outputs,
                          int8_t* out) {
  for (int32_t c = 0; c < op->window.in_c; c += 4) {
    four_channels(op, columns + c, stride, n_outputs, c, out + c);
  }
}

void tgk_depthwise_s8_mve(const tgk_depthwise_mve* op,
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
      tgk_write_columns(tgk_vector_writer,
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
