#include "tgk/columns.h"
#include "tgk/dsp.h"
#include "tgk/kernels.h"

static void copy_as_halves(void* to, const int8_t* from, int32_t count) {
  unsigned char* out = (unsigned char*)to;
  for (; count >= 4; count -= 4) {
    const uint32_t bytes = tgk_load_word(from);
    const uint32_t even = tgk_sxtb16(bytes);
    const uint32_t odd = tgk_sxtb16_odd(bytes);
    tgk_store_word(out, tgk_pack_low(even, odd));
    tgk_store_word(out + 4, tgk_pack_high(even, odd));
    out += 8;
    from += 4;
  }
  for (; count > 0; --count) {
    const int16_t half = *from++;
    (void)memcpy(out, &half, sizeof(half));
    out += sizeof(half);
  }
}

static void fill_halves(void* to, int32_t value, int32_t count) {
  unsigned char* out = (unsigned char*)to;
  const int16_t half = (int16_t)value;
  for (; count > 0; --count) {
    (void)memcpy(out, &half, sizeof(half));
    out += sizeof(half);
  }
}

static const tgk_column_writer half_writer = {
    .copy = copy_as_halves,
    .fill = fill_halves,
    .element_bytes = 2,
};

// Dot products of two windows with four channels: of the first window, then of
// the second.
#define BLOCK_SUMS 8

#if TGK_HAS_DSP

// 31 instructions for 32 products. In assembly because GCC does not keep eight
// sums and three pointers in registers by itself.
static __attribute__((noinline)) void multiply_block(const int32_t* weights,
                                                     const int16_t* first,
                                                     const int16_t* second,
                                                     int32_t k_words,
                                                     int32_t* sums) {
  int32_t a0 = 0;
  int32_t a1 = 0;
  int32_t a2 = 0;
  int32_t a3 = 0;
  int32_t b0 = 0;
  int32_t b1 = 0;
  int32_t b2 = 0;
  int32_t b3 = 0;
  uint32_t a;
  uint32_t b;
  uint32_t weight;
  const int32_t* end = weights + 4 * k_words;
  __asm__ volatile(
      "1:\n"
      " ldr %[a], [%[first]], #4\n"
      " ldr %[b], [%[second]], #4\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a0], %[a], %[w], %[a0]\n"
      " smlad %[b0], %[b], %[w], %[b0]\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a1], %[a], %[w], %[a1]\n"
      " smlad %[b1], %[b], %[w], %[b1]\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a2], %[a], %[w], %[a2]\n"
      " smlad %[b2], %[b], %[w], %[b2]\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a3], %[a], %[w], %[a3]\n"
      " smlad %[b3], %[b], %[w], %[b3]\n"
      " ldr %[a], [%[first]], #4\n"
      " ldr %[b], [%[second]], #4\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a0], %[a], %[w], %[a0]\n"
      " smlad %[b0], %[b], %[w], %[b0]\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a1], %[a], %[w], %[a1]\n"
      " smlad %[b1], %[b], %[w], %[b1]\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a2], %[a], %[w], %[a2]\n"
      " smlad %[b2], %[b], %[w], %[b2]\n"
      " ldr %[w], [%[weights]], #4\n"
      " smlad %[a3], %[a], %[w], %[a3]\n"
      " smlad %[b3], %[b], %[w], %[b3]\n"
      " ldr %[w], %[end]\n"
      " cmp %[weights], %[w]\n"
      " bne 1b\n"
      : [a0] "+r"(a0),
        [a1] "+r"(a1),
        [a2] "+r"(a2),
        [a3] "+r"(a3),
        [b0] "+r"(b0),
        [b1] "+r"(b1),
        [b2] "+r"(b2),
        [b3] "+r"(b3),
        [weights] "+r"(weights),
        [first] "+r"(first),
        [second] "+r"(second),
        [a] "=&r"(a),
        [b] "=&r"(b),
        [w] "=&r"(weight)
      : [end] "m"(end)
      : "cc", "memory");
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
  sums[4] = b0;
  sums[5] = b1;
  sums[6] = b2;
  sums[7] = b3;
}

#else

static void multiply_block(const int32_t* weights,
                           const int16_t* first,
                           const int16_t* second,
                           int32_t k_words,
                           int32_t* sums) {
  for (int32_t c = 0; c < BLOCK_SUMS; ++c) {
    sums[c] = 0;
  }
  for (int32_t word = 0; word < k_words; ++word) {
    const uint32_t a = tgk_load_word(first + 2 * word);
    const uint32_t b = tgk_load_word(second + 2 * word);
    for (int32_t c = 0; c < 4; ++c) {
      const uint32_t weight = (uint32_t)weights[4 * word + c];
      sums[c] = tgk_smlad(a, weight, sums[c]);
      sums[4 + c] = tgk_smlad(b, weight, sums[4 + c]);
    }
  }
}

#endif

static void finish_block(const int32_t* sums,
                         const tgk_fast_channel* channels,
                         int32_t count,
                         int8_t* out) {
  for (int32_t c = 0; c < count; ++c) {
    out[c] = (int8_t)tgk_finish_fast(sums[c], &channels[c]);
  }
}

// The same of the larger of two sums each.
static void finish_larger(const int32_t* sums,
                          const tgk_fast_channel* channels,
                          int32_t count,
                          int8_t* out) {
  for (int32_t c = 0; c < count; ++c) {
    const int32_t sum = tgk_max(sums[c], sums[c + 4]);
    out[c] = (int8_t)tgk_finish_fast(sum, &channels[c]);
  }
}

// All channels of two outputs (or of their maximum) from their windows.
static void finish_pair(const tgk_conv_fast* op,
                        const int16_t* first,
                        const int16_t* second,
                        int8_t* out,
                        int32_t n_outputs) {
  const int32_t* weights = op->weights;
  const tgk_fast_channel* channels = op->channels;
  const int32_t depth = op->window.out_c;
  for (int32_t left = depth; left > 0; left -= 4) {
    int32_t sums[BLOCK_SUMS];
    const int32_t count = tgk_min(left, 4);
    multiply_block(weights, first, second, op->k_words, sums);
    if (op->pool_w == 2) {
      finish_larger(sums, channels, count, out);
    } else {
      finish_block(sums, channels, count, out);
      if (n_outputs == 2) {
        finish_block(sums + 4, channels, count, out + depth);
      }
    }
    weights += 4 * op->k_words;
    channels += 4;
    out += 4;
  }
}

void tgk_conv_s8_dsp(const tgk_conv_fast* op,
                     const int8_t* in,
                     int8_t* out,
                     int16_t* columns) {
  const tgk_window* w = &op->window;
  int8_t* const start = out;
  const int32_t n_positions = w->out_w - w->out_w % op->pool_w;
  const int32_t stride = tgk_column_stride(w, 2 * op->k_words);
  for (int32_t row = 0; row < w->batches * w->out_h; ++row) {
    const int8_t* image = in + row / w->out_h * w->in_h * w->in_w * w->in_c;
    const int32_t y = row % w->out_h;
    for (int32_t x = 0; x < n_positions; x += op->tile) {
      const int32_t count = tgk_min(op->tile, n_positions - x);
      tgk_write_columns(half_writer,
                        w,
                        image,
                        y,
                        x,
                        count,
                        2 * op->k_words,
                        op->in_zero,
                        columns);
      for (int32_t i = 0; i < count; i += 2) {
        // An odd last output has no partner: it is computed twice.
        const int32_t n_outputs = tgk_min(2, count - i);
        const int16_t* first = columns + i * stride;
        finish_pair(
            op, first, first + (n_outputs - 1) * stride, out, n_outputs);
        out += w->out_c * (op->pool_w == 2 ? 1 : n_outputs);
      }
    }
  }
  tgk_clamp_s8(start, (int32_t)(out - start), op->act_min, op->act_max);
}
