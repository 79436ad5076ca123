#include "tgk/byte_columns.h"
#include "tgk/dsp.h"
#include "tgk/kernels.h"

// With X = x[t] + x[t + 1] * 2^22 and W = w[2j + 1] + w[2j] * 2^22, the product
// has three fields of 22 bits and more:
//   f0 = x[t] * w[2j + 1]
//   f1 = x[t] * w[2j] + x[t + 1] * w[2j + 1]
//   f2 = x[t + 1] * w[2j]
// Summed over j (and the input channels) with t = 2m + 1 + 2j - padding, f1 is
// output 2m + 1, f0 a part of output 2m and f2 a part of output 2m + 2. Fields
// start from offsets, so that none borrows from the next; f0 and f2 together
// have the offset of f1, which the bias takes off again.
#define FIELD_BITS 22
#define FIELD_MASK 0x3FFFFFU
#define F0_OFFSET 0x100000U
#define F2_OFFSET 0x80000U
#define START_LOW (F0_OFFSET | ((uint32_t)TGK_PAIRS_OFFSET << FIELD_BITS))
#define START_HIGH                                     \
  (((uint32_t)TGK_PAIRS_OFFSET >> (32 - FIELD_BITS)) | \
   (F2_OFFSET << (2 * FIELD_BITS - 32)))

// Pairs of outputs that are summed at a time.
#define PAIRS 3

// Low and high words of the sums of three pairs.
typedef struct {
  uint32_t low[PAIRS];
  uint32_t high[PAIRS];
} pair_sums;

typedef void (*multiply_pairs)(const int32_t* weights,
                               const int32_t* x,
                               const int32_t* x_end,
                               pair_sums* sums);

#if TGK_HAS_DSP

// Registers are fixed because LDM fills them in ascending order.
#define DECLARE_REGISTERS                                        \
  register uint32_t low0 __asm__("r0") = START_LOW;              \
  register uint32_t high0 __asm__("r1") = START_HIGH;            \
  register uint32_t low1 __asm__("r2") = START_LOW;              \
  register uint32_t high1 __asm__("r3") = START_HIGH;            \
  register uint32_t low2 __asm__("r4") = START_LOW;              \
  register uint32_t high2 __asm__("r5") = START_HIGH;            \
  register const int32_t* weight_words __asm__("r12") = weights; \
  register const int32_t* sample_words __asm__("lr") = x;        \
  const int32_t* const end = x_end

#define OPERANDS                                                             \
  "+r"(low0), "+r"(high0), "+r"(low1), "+r"(high1), "+r"(low2), "+r"(high2), \
      "+r"(weight_words),                                                    \
      "+r"(sample_words)                                                     \
      : [end] "m"(end) : "r6", "r7", "r8", "r9", "r10", "r11", "cc", "memory"

#define STORE_SUMS       \
  sums->low[0] = low0;   \
  sums->high[0] = high0; \
  sums->low[1] = low1;   \
  sums->high[1] = high1; \
  sums->low[2] = low2;   \
  sums->high[2] = high2

static __attribute__((noinline)) void multiply_2(const int32_t* weights,
                                                 const int32_t* x,
                                                 const int32_t* x_end,
                                                 pair_sums* sums) {
  DECLARE_REGISTERS;
  __asm__ volatile(
      "1:\n"
      " ldm r12!, {r6, r7}\n"
      " ldm lr!, {r8, r9, r10, r11}\n"
      " smlal r0, r1, r8, r6\n"
      " smlal r0, r1, r9, r7\n"
      " smlal r2, r3, r9, r6\n"
      " smlal r2, r3, r10, r7\n"
      " smlal r4, r5, r10, r6\n"
      " smlal r4, r5, r11, r7\n"
      " ldr r6, %[end]\n"
      " cmp lr, r6\n"
      " bne 1b\n"
      : OPERANDS);
  STORE_SUMS;
}

static __attribute__((noinline)) void multiply_3(const int32_t* weights,
                                                 const int32_t* x,
                                                 const int32_t* x_end,
                                                 pair_sums* sums) {
  DECLARE_REGISTERS;
  __asm__ volatile(
      "1:\n"
      " ldm r12!, {r6, r7, r8}\n"
      " ldm lr!, {r9, r10, r11}\n"
      " smlal r0, r1, r9, r6\n"
      " smlal r0, r1, r10, r7\n"
      " smlal r2, r3, r10, r6\n"
      " smlal r0, r1, r11, r8\n"
      " smlal r2, r3, r11, r7\n"
      " smlal r4, r5, r11, r6\n"
      " ldm lr!, {r9, r10}\n"
      " smlal r2, r3, r9, r8\n"
      " smlal r4, r5, r9, r7\n"
      " smlal r4, r5, r10, r8\n"
      " ldr r6, %[end]\n"
      " cmp lr, r6\n"
      " bne 1b\n"
      : OPERANDS);
  STORE_SUMS;
}

static __attribute__((noinline)) void multiply_4(const int32_t* weights,
                                                 const int32_t* x,
                                                 const int32_t* x_end,
                                                 pair_sums* sums) {
  DECLARE_REGISTERS;
  __asm__ volatile(
      "1:\n"
      " ldm r12!, {r6, r7, r8, r9}\n"
      " ldm lr!, {r10, r11}\n"
      " smlal r0, r1, r10, r6\n"
      " smlal r0, r1, r11, r7\n"
      " smlal r2, r3, r11, r6\n"
      " ldm lr!, {r10, r11}\n"
      " smlal r0, r1, r10, r8\n"
      " smlal r2, r3, r10, r7\n"
      " smlal r4, r5, r10, r6\n"
      " smlal r0, r1, r11, r9\n"
      " smlal r2, r3, r11, r8\n"
      " smlal r4, r5, r11, r7\n"
      " ldm lr!, {r10, r11}\n"
      " smlal r2, r3, r10, r9\n"
      " smlal r4, r5, r10, r8\n"
      " smlal r4, r5, r11, r9\n"
      " ldr r6, %[end]\n"
      " cmp lr, r6\n"
      " bne 1b\n"
      : OPERANDS);
  STORE_SUMS;
}

#else

static void multiply_words(const int32_t* weights,
                           const int32_t* x,
                           const int32_t* x_end,
                           int32_t j_words,
                           pair_sums* sums) {
  for (int32_t p = 0; p < PAIRS; ++p) {
    const int32_t* w = weights;
    uint64_t sum = ((uint64_t)START_HIGH << 32) | START_LOW;
    for (const int32_t* word = x; word != x_end; word += PAIRS + j_words - 1) {
      for (int32_t j = 0; j < j_words; ++j) {
        sum += (uint64_t)((int64_t)word[p + j] * w[j]);
      }
      w += j_words;
    }
    sums->low[p] = (uint32_t)(sum & 0xFFFFFFFFU);
    sums->high[p] = (uint32_t)(sum >> 32);
  }
}

static void multiply_2(const int32_t* weights,
                       const int32_t* x,
                       const int32_t* x_end,
                       pair_sums* sums) {
  multiply_words(weights, x, x_end, 2, sums);
}

static void multiply_3(const int32_t* weights,
                       const int32_t* x,
                       const int32_t* x_end,
                       pair_sums* sums) {
  multiply_words(weights, x, x_end, 3, sums);
}

static void multiply_4(const int32_t* weights,
                       const int32_t* x,
                       const int32_t* x_end,
                       pair_sums* sums) {
  multiply_words(weights, x, x_end, 4, sums);
}

#endif

// Where the parts of the scratch memory lie.
typedef struct {
  uint32_t* carries;  // High words of each channel's last pair.
  int32_t* x;         // Sample pairs of a tile, [in_c][x_words].
  int8_t* edge;       // Samples of a tile that reaches over an end.
  int32_t x_words;
} work_memory;

// The samples x[t], x[t + 1], ... of a tile as words, channel by channel.
static void pack_samples(const tgk_conv_pairs* op,
                         const int8_t* in,
                         int32_t t,
                         const work_memory* work) {
  const tgk_window* w = &op->window;
  const int32_t depth = w->in_c;
  const int32_t n_samples = 2 * work->x_words;
  const int8_t* samples = work->edge;
  if (t >= 0 && t + n_samples <= w->in_w) {
    samples = in + t * depth;
  } else {
    tgk_write_span(tgk_byte_writer,
                   (unsigned char*)work->edge,
                   in,
                   t * depth,
                   n_samples * depth,
                   w->in_w * depth,
                   op->in_zero);
  }
  int32_t* x = work->x;
  for (int32_t c = 0; c < depth; ++c) {
    const int8_t* sample = samples + c;
    for (int32_t i = 0; i < work->x_words; ++i) {
      *x++ = sample[0] + sample[depth] * (1 << FIELD_BITS);
      sample += 2 * depth;
    }
  }
}

// The two outputs of a pair, plus TGK_PAIRS_OFFSET.
static inline int32_t even_output(uint32_t low, uint32_t previous_high) {
  return (int32_t)((low & FIELD_MASK) + (previous_high >> 12));
}

static inline int32_t odd_output(uint32_t low, uint32_t high) {
  return (int32_t)((low >> FIELD_BITS) | ((high & 0xFFFU) << 10));
}

// Outputs of one channel, from a tile that may reach over an end; first is its
// first pair.
static void store_edge(const tgk_conv_pairs* op,
                       const pair_sums* sums,
                       uint32_t previous,
                       const tgk_fast_channel* channel,
                       int32_t first,
                       int8_t* out) {
  const int32_t depth = op->window.out_c;
  const int32_t n_outputs = op->window.out_w - op->window.out_w % op->pool_w;
  for (int32_t p = 0; p < PAIRS; ++p) {
    const int32_t even = even_output(sums->low[p], previous);
    const int32_t odd = odd_output(sums->low[p], sums->high[p]);
    const int32_t position = 2 * (first + p);
    previous = sums->high[p];
    if (position < 0 || position >= n_outputs) {
      continue;
    }
    if (op->pool_w == 2) {
      out[(first + p) * depth] =
          (int8_t)tgk_finish_fast(tgk_max(even, odd), channel);
      continue;
    }
    out[position * depth] = (int8_t)tgk_finish_fast(even, channel);
    if (position + 1 < n_outputs) {
      out[(position + 1) * depth] = (int8_t)tgk_finish_fast(odd, channel);
    }
  }
}

static inline int8_t larger_output(uint32_t low,
                                   uint32_t high,
                                   uint32_t previous_high,
                                   const tgk_fast_channel* channel) {
  const int32_t even = even_output(low, previous_high);
  const int32_t odd = odd_output(low, high);
  return (int8_t)tgk_finish_fast(tgk_max(even, odd), channel);
}

// Three pooled outputs of one channel.
static inline void store_larger(const pair_sums* sums,
                                uint32_t previous,
                                tgk_fast_channel channel,
                                int32_t depth,
                                int8_t* out) {
  const uint32_t high0 = sums->high[0];
  const uint32_t high1 = sums->high[1];
  out[0] = larger_output(sums->low[0], high0, previous, &channel);
  out[depth] = larger_output(sums->low[1], high1, high0, &channel);
  out[2 * depth] = larger_output(sums->low[2], sums->high[2], high1, &channel);
}

// Six outputs of one channel.
static inline void store_all(const pair_sums* sums,
                             uint32_t previous,
                             tgk_fast_channel channel,
                             int32_t depth,
                             int8_t* out) {
  for (int32_t p = 0; p < PAIRS; ++p) {
    const int32_t even = even_output(sums->low[p], previous);
    const int32_t odd = odd_output(sums->low[p], sums->high[p]);
    previous = sums->high[p];
    out[0] = (int8_t)tgk_finish_fast(even, &channel);
    out[depth] = (int8_t)tgk_finish_fast(odd, &channel);
    out += 2 * depth;
  }
}

// Three pairs of all channels.
static void multiply_tile(const tgk_conv_pairs* op,
                          multiply_pairs multiply,
                          const work_memory* work,
                          int32_t first,
                          int8_t* out) {
  const int32_t depth = op->window.out_c;
  const int32_t* weights = op->weights;
  const int32_t step = op->window.in_c * op->j_words;
  const int32_t* x_end = work->x + op->window.in_c * work->x_words;
  const tgk_fast_channel* channel = op->channels;
  const int32_t n_pairs = op->window.out_w / 2;
  const bool is_inside = first >= 0 && first + PAIRS <= n_pairs;
  const bool is_pooled = op->pool_w == 2;
  // Pair -1 is not inside, so that no pointer lies in front of the output.
  int8_t* to = is_inside ? out + first * (is_pooled ? 1 : 2) * depth : out;
  for (int32_t c = 0; c < depth; ++c) {
    pair_sums sums;
    multiply(weights, work->x, x_end, &sums);
    const uint32_t carry = work->carries[c];
    if (!is_inside) {
      store_edge(op, &sums, carry, channel, first, out + c);
    } else if (is_pooled) {
      store_larger(&sums, carry, *channel, depth, to + c);
    } else {
      store_all(&sums, carry, *channel, depth, to + c);
    }
    work->carries[c] = sums.high[PAIRS - 1];
    weights += step;
    ++channel;
  }
}

void tgk_conv_pairs_s8_dsp(const tgk_conv_pairs* op,
                           const int8_t* in,
                           int8_t* out,
                           int32_t* scratch) {
  static const multiply_pairs by_words[] = {multiply_2, multiply_3, multiply_4};
  const tgk_window* w = &op->window;
  const int32_t x_words = PAIRS + op->j_words - 1;
  const work_memory work = {
      .carries = (uint32_t*)scratch,
      .x = scratch + w->out_c,
      .edge = (int8_t*)(scratch + w->out_c + w->in_c * x_words),
      .x_words = x_words,
  };
  const int32_t front = w->kernel_w % 2;
  const int32_t n_out = w->out_w / op->pool_w * w->out_c;
  for (int32_t batch = 0; batch < w->batches; ++batch) {
    // Pair -1 gives output 0 its first part; its own outputs do not exist, so
    // any carry will do for it.
    (void)memset(work.carries, 0, (size_t)w->out_c * sizeof(uint32_t));
    for (int32_t first = -1; 2 * first < w->out_w; first += PAIRS) {
      const int32_t t = 2 * first + 1 - w->pad_w - front;
      pack_samples(op, in, t, &work);
      multiply_tile(op, by_words[op->j_words - 2], &work, first, out);
    }
    tgk_clamp_s8(out, n_out, op->act_min, op->act_max);
    in += w->in_w * w->in_c;
    out += n_out;
  }
}
