// Lays the windows of a tile of outputs side by side, so that a convolution
// becomes dot products of contiguous numbers.
//
// A signal's windows overlap in memory (window p starts p * stride_w * in_c
// numbers behind the first); otherwise each window gets window_elements of its
// own. What lies outside the image holds the input's zero point.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

// Writes count numbers from bytes, or count times one number.
typedef struct {
  void (*copy)(void* to, const int8_t* from, int32_t count);
  void (*fill)(void* to, int32_t value, int32_t count);
  int32_t element_bytes;
} tgk_column_writer;

static inline bool tgk_is_signal(const tgk_window* w) {
  return w->in_h == 1 && w->kernel_h == 1 && w->out_h == 1 &&
         w->dilation_w == 1;
}

// Distance between neighbouring windows, in numbers.
static inline int32_t tgk_column_stride(const tgk_window* w,
                                        int32_t window_elements) {
  return tgk_is_signal(w) ? w->stride_w * w->in_c : window_elements;
}

// The numbers start ... start + count - 1 of an image row of length numbers.
static inline void tgk_write_span(tgk_column_writer writer,
                                  unsigned char* to,
                                  const int8_t* row,
                                  int32_t start,
                                  int32_t count,
                                  int32_t length,
                                  int32_t zero) {
  const int32_t before = tgk_clamp(-start, 0, count);
  const int32_t inside =
      tgk_clamp(length - tgk_max(start, 0), 0, count - before);
  const int32_t after = count - before - inside;
  if (before > 0) {
    writer.fill(to, zero, before);
    to += before * writer.element_bytes;
  }
  if (inside > 0) {
    writer.copy(to, row + tgk_max(start, 0), inside);
    to += inside * writer.element_bytes;
  }
  if (after > 0) {
    writer.fill(to, zero, after);
  }
}

// One window of an image, row by row, or tap by tap if there are gaps.
static inline void tgk_write_window(tgk_column_writer writer,
                                    const tgk_window* w,
                                    const int8_t* image,
                                    int32_t y,
                                    int32_t x,
                                    unsigned char* to,
                                    int32_t zero) {
  const int32_t row_length = w->in_w * w->in_c;
  const int32_t taps = w->dilation_w == 1 ? 1 : w->kernel_w;
  const int32_t span = w->kernel_w / taps * w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
    const int32_t row = y * w->stride_h - w->pad_h + ky * w->dilation_h;
    const bool is_inside = row >= 0 && row < w->in_h;
    for (int32_t tap = 0; tap < taps; ++tap) {
      const int32_t column = x * w->stride_w - w->pad_w + tap * w->dilation_w;
      tgk_write_span(writer,
                     to,
                     is_inside ? image + row * row_length : image,
                     column * w->in_c,
                     span,
                     is_inside ? row_length : 0,
                     zero);
      to += span * writer.element_bytes;
    }
  }
}

// The windows of count outputs of row y, from output x on. window_elements is
// the padded window length; what pads it keeps any value (its weights are 0),
// but is written once to be defined.
static inline void tgk_write_columns(tgk_column_writer writer,
                                     const tgk_window* w,
                                     const int8_t* image,
                                     int32_t y,
                                     int32_t x,
                                     int32_t count,
                                     int32_t window_elements,
                                     int32_t zero,
                                     void* columns) {
  unsigned char* to = (unsigned char*)columns;
  const int32_t used = w->kernel_h * w->kernel_w * w->in_c;
  if (tgk_is_signal(w)) {
    const int32_t elements = (count - 1) * w->stride_w * w->in_c + used;
    tgk_write_span(writer,
                   to,
                   image,
                   (x * w->stride_w - w->pad_w) * w->in_c,
                   elements,
                   w->in_w * w->in_c,
                   zero);
    if (window_elements > used) {
      writer.fill(
          to + elements * writer.element_bytes, 0, window_elements - used);
    }
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    tgk_write_window(writer, w, image, y, x + i, to, zero);
    if (window_elements > used) {
      writer.fill(to + used * writer.element_bytes, 0, window_elements - used);
    }
    to += window_elements * writer.element_bytes;
  }
}
