// Clips pooling windows to the image.
#pragma once

#include <stdint.h>

#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

// The part of a pooling window that lies inside the image.
typedef struct {
  int32_t top;
  int32_t bottom;
  int32_t left;
  int32_t right;
} tgk_area;

static inline tgk_area tgk_clip(const tgk_window* w, int32_t y, int32_t x) {
  const int32_t row = y * w->stride_h - w->pad_h;
  const int32_t column = x * w->stride_w - w->pad_w;
  const tgk_area inside = {
      .top = tgk_max(row, 0),
      .bottom = tgk_min(row + w->kernel_h, w->in_h),
      .left = tgk_max(column, 0),
      .right = tgk_min(column + w->kernel_w, w->in_w),
  };
  return inside;
}
