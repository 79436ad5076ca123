// Kernels of the compiled engine: int8 operators, byte for byte what TFLM's
// reference kernels compute. Tensors are NHWC. No kernel allocates, recurses or
// keeps state; scratch memory comes from the caller's static plan.
//
// Suffixes: none runs on every core; _dsp needs the DSP extension (Cortex-M4,
// M7, M33); _mve needs Helium (Cortex-M55). All three give the same bytes.
#pragma once

#include <stdint.h>

// How one output channel is finished: (sum + bias) * multiplier / 2^31 *
// 2^shift, as in tgk_rescale().
typedef struct {
  int32_t bias;
  int32_t multiplier;
  int32_t shift;
} tgk_channel;

// The same for the fast paths, which need a right shift of 1 ... 22 and a sum
// under 2^30 (proved when the model is compiled). The input's zero point is
// folded into the bias. offset = 2^(shift - 1) + out_zero * 2^shift.
typedef struct {
  int32_t twice_bias;
  int32_t multiplier;
  int32_t offset;
  int32_t shift;
} tgk_fast_channel;

// A window that slides over an image; 1-D signals have height 1.
typedef struct {
  int32_t batches;
  int32_t in_h;
  int32_t in_w;
  int32_t in_c;
  int32_t out_h;
  int32_t out_w;  // Before a fused pooling.
  int32_t out_c;
  int32_t kernel_h;
  int32_t kernel_w;
  int32_t stride_h;
  int32_t stride_w;
  int32_t dilation_h;
  int32_t dilation_w;
  int32_t pad_h;  // Rows before the image; those behind it follow.
  int32_t pad_w;
} tgk_window;

// CONV_2D, and MAX_POOL_2D of 1 x pool_w behind it (pool_w 1: none; else 2).
// weights: [out_c][kernel_h][kernel_w][in_c / groups].
typedef struct {
  tgk_window window;
  int32_t groups;
  int32_t pool_w;
  int32_t in_zero;
  int32_t out_zero;
  int32_t act_min;
  int32_t act_max;
  const int8_t* weights;
  const tgk_channel* channels;
} tgk_conv;

void tgk_conv_s8(const tgk_conv* op, const int8_t* in, int8_t* out);

// CONV_2D without groups for cores with 16-bit multiply-accumulate pairs.
// weights: for every four output channels (missing ones zero) and every two
// inputs of the window (k_words of them, an even number, missing ones zero),
// four words, each with two 16-bit weights, the first one low.
// columns: scratch of tile windows as 16-bit numbers; see tgk/columns.h.
typedef struct {
  tgk_window window;
  int32_t pool_w;
  int32_t in_zero;
  int32_t act_min;
  int32_t act_max;
  int32_t tile;
  int32_t k_words;
  const int32_t* weights;
  const tgk_fast_channel* channels;  // A multiple of four.
} tgk_conv_fast;

void tgk_conv_s8_dsp(const tgk_conv_fast* op,
                     const int8_t* in,
                     int8_t* out,
                     int16_t* columns);

// CONV_2D of a signal (height 1, stride and dilation 1) with 3 to 8 taps, for
// cores with the DSP extension: one 64-bit multiply-accumulate does four
// products, because two samples share one factor and two taps the other.
//
// weights: for each output and input channel j_words words; word j holds
// tap 2j + 1 plus tap 2j times 2^22 (with a zero tap in front if the kernel
// width is odd). twice_bias takes off twice TGK_PAIRS_OFFSET. That no field
// overflows is proved from the weights when the model is compiled.
// scratch: out_c words, then in_c * (j_words + 2) words and the same number of
// 16-bit numbers.
typedef struct {
  tgk_window window;
  int32_t pool_w;
  int32_t in_zero;
  int32_t act_min;
  int32_t act_max;
  int32_t j_words;  // 2, 3 or 4.
  const int32_t* weights;
  const tgk_fast_channel* channels;
} tgk_conv_pairs;

#define TGK_PAIRS_OFFSET 0x180000

void tgk_conv_pairs_s8_dsp(const tgk_conv_pairs* op,
                           const int8_t* in,
                           int8_t* out,
                           int32_t* scratch);

// CONV_2D without groups for Helium. weights: for every two output channels
// and every 16 inputs of the window, 16 weights of the one, then of the other;
// missing ones are zero. scratch: sums of tile positions (tile rounded up to
// 8) for two channels, then the columns.
typedef struct {
  tgk_window window;
  int32_t pool_w;
  int32_t in_zero;
  int32_t out_zero;
  int32_t act_min;
  int32_t act_max;
  int32_t tile;  // A multiple of 3, and of 2 if pooled.
  int32_t k_vectors;
  const int8_t* weights;
  const tgk_channel* channels;  // An even number; shifts are right shifts > 0.
} tgk_conv_mve;

void tgk_conv_s8_mve(const tgk_conv_mve* op,
                     const int8_t* in,
                     int8_t* out,
                     int32_t* scratch);

// DEPTHWISE_CONV_2D. weights: [kernel_h][kernel_w][out_c].
typedef struct {
  tgk_window window;
  int32_t depth_multiplier;
  int32_t in_zero;
  int32_t out_zero;
  int32_t act_min;
  int32_t act_max;
  const int8_t* weights;
  const tgk_channel* channels;
} tgk_depthwise;

void tgk_depthwise_s8(const tgk_depthwise* op, const int8_t* in, int8_t* out);

// DEPTHWISE_CONV_2D with one output per input channel, for cores with 16-bit
// multiply-accumulate pairs. weights: for every four channels (missing ones
// zero) and every two taps (a missing one zero) four words, each with the two
// taps' weights of one channel, the first one low. columns: scratch of tile
// windows as bytes, and four bytes behind them.
typedef struct {
  tgk_window window;
  int32_t in_zero;
  int32_t act_min;
  int32_t act_max;
  int32_t tile;
  const int32_t* weights;
  const tgk_fast_channel* channels;  // A multiple of four.
} tgk_depthwise_fast;

void tgk_depthwise_s8_dsp(const tgk_depthwise_fast* op,
                          const int8_t* in,
                          int8_t* out,
                          int8_t* columns);

// The same for Helium. weights: [tap][out_c], and four bytes behind them.
typedef struct {
  tgk_window window;
  int32_t in_zero;
  int32_t out_zero;
  int32_t act_min;
  int32_t act_max;
  int32_t tile;
  const int8_t* weights;
  const tgk_channel* channels;  // A multiple of four; right shifts > 0.
} tgk_depthwise_mve;

void tgk_depthwise_s8_mve(const tgk_depthwise_mve* op,
                          const int8_t* in,
                          int8_t* out,
                          int8_t* columns);

// TRANSPOSE_CONV. weights: [out_c][kernel_h][kernel_w][in_c]; pad_h and pad_w
// are cut off the front of the full result.
typedef struct {
  tgk_window window;
  int32_t in_zero;
  int32_t out_zero;
  int32_t act_min;
  int32_t act_max;
  const int8_t* weights;
  const tgk_channel* channels;
} tgk_transpose_conv;

void tgk_transpose_conv_s8(const tgk_transpose_conv* op,
                           const int8_t* in,
                           int8_t* out);

// FULLY_CONNECTED. weights: [out_c][in_c].
typedef struct {
  int32_t batches;
  int32_t in_c;
  int32_t out_c;
  int32_t in_zero;
  int32_t out_zero;
  int32_t act_min;
  int32_t act_max;
  const int8_t* weights;
  const tgk_channel* channels;
} tgk_fully_connected;

void tgk_fully_connected_s8(const tgk_fully_connected* op,
                            const int8_t* in,
                            int8_t* out);

// As above with the input's zero point folded into the bias.
void tgk_fully_connected_s8_mve(const tgk_fully_connected* op,
                                const int8_t* in,
                                int8_t* out);

// weights: for every four outputs (missing ones zero) and every four inputs
// (k_words of them, missing ones zero) four words of four weights; those of
// inputs 0 and 2 are stored with their sign bit flipped.
typedef struct {
  int32_t batches;
  int32_t in_c;
  int32_t out_c;
  int32_t act_min;
  int32_t act_max;
  int32_t k_words;
  const uint32_t* weights;
  const tgk_fast_channel* channels;  // A multiple of four.
} tgk_fully_connected_fast;

void tgk_fully_connected_s8_dsp(const tgk_fully_connected_fast* op,
                                const int8_t* in,
                                int8_t* out);

// MAX_POOL_2D and AVERAGE_POOL_2D; out_c equals in_c.
typedef struct {
  tgk_window window;
  int32_t act_min;
  int32_t act_max;
} tgk_pool;

void tgk_max_pool_s8(const tgk_pool* op, const int8_t* in, int8_t* out);
void tgk_max_pool_s8_dsp(const tgk_pool* op, const int8_t* in, int8_t* out);
void tgk_max_pool_s8_mve(const tgk_pool* op, const int8_t* in, int8_t* out);
void tgk_average_pool_s8(const tgk_pool* op, const int8_t* in, int8_t* out);

#define TGK_MAX_DIMS 6

// MEAN over some dimensions; multiplier includes 1 / count.
// Strides are in elements of the input.
typedef struct {
  int32_t kept_dims[TGK_MAX_DIMS];
  int32_t kept_strides[TGK_MAX_DIMS];
  int32_t reduced_dims[TGK_MAX_DIMS];
  int32_t reduced_strides[TGK_MAX_DIMS];
  int32_t count;    // Elements of one sum.
  int32_t in_zero;  // Subtracted from each.
  int32_t out_zero;
  int32_t multiplier;
  int32_t shift;
} tgk_reduce;

void tgk_mean_s8(const tgk_reduce* op, const int8_t* in, int8_t* out);

// ADD, SUB, MUL. A stride of 0 repeats an operand along a dimension. For SUB
// the second multiplier is negative.
typedef struct {
  int32_t dims[TGK_MAX_DIMS];
  int32_t a_strides[TGK_MAX_DIMS];
  int32_t b_strides[TGK_MAX_DIMS];
  int32_t a_zero;
  int32_t b_zero;
  int32_t out_zero;
  int32_t act_min;
  int32_t act_max;
  int32_t a_multiplier;  // ADD, SUB: of the operand, shifted left by 20 bits.
  int32_t a_shift;
  int32_t b_multiplier;
  int32_t b_shift;
  int32_t out_multiplier;
  int32_t out_shift;
} tgk_binary;

void tgk_add_s8(const tgk_binary* op,
                const int8_t* a,
                const int8_t* b,
                int8_t* out);
void tgk_sub_s8(const tgk_binary* op,
                const int8_t* a,
                const int8_t* b,
                int8_t* out);
void tgk_mul_s8(const tgk_binary* op,
                const int8_t* a,
                const int8_t* b,
                int8_t* out);

// PRELU: a rescaled by its own factor where it is not negative, else its
// product with alpha by the output's factor.
void tgk_prelu_s8(const tgk_binary* op,
                  const int8_t* in,
                  const int8_t* alpha,
                  int8_t* out);

// Any function of one int8: table[q + 128]. in may equal out.
typedef struct {
  int32_t count;
  const int8_t* table;
} tgk_lookup;

void tgk_lookup_s8(const tgk_lookup* op, const int8_t* in, int8_t* out);

// SOFTMAX over rows. exponentials[d] is exp of a difference d to the row's
// maximum, Q0.31; differences from exponential_count on count as zero.
typedef struct {
  int32_t rows;
  int32_t depth;
  int32_t exponential_count;
  const int32_t* exponentials;
} tgk_softmax;

void tgk_softmax_s8(const tgk_softmax* op, const int8_t* in, int8_t* out);

// Copies a box of elements between two strided arrays (in bytes; the last
// dimension is copied as rows of row_bytes contiguous bytes). Carries
// CONCATENATION, SPLIT, STRIDED_SLICE, TRANSPOSE and PAD's inner part.
typedef struct {
  int32_t dims[TGK_MAX_DIMS];
  int32_t in_strides[TGK_MAX_DIMS];
  int32_t out_strides[TGK_MAX_DIMS];
  int32_t row_bytes;
} tgk_copy_box;

void tgk_copy(const tgk_copy_box* op, const void* in, void* out);

typedef struct {
  int32_t bytes;
  int32_t value;
} tgk_fill_bytes;

void tgk_fill(const tgk_fill_bytes* op, void* out);

// RESIZE_NEAREST_NEIGHBOR by tables of source rows and columns.
typedef struct {
  int32_t batches;
  int32_t in_h;
  int32_t in_w;
  int32_t out_h;
  int32_t out_w;
  int32_t channels;
  const uint16_t* rows;
  const uint16_t* columns;
} tgk_resize;

void tgk_resize_nearest_s8(const tgk_resize* op, const int8_t* in, int8_t* out);

// QUANTIZE from, and DEQUANTIZE to, float32.
typedef struct {
  int32_t count;
  int32_t zero_point;
  float scale;
} tgk_quantize;

void tgk_quantize_f32_s8(const tgk_quantize* op, const float* in, int8_t* out);
void tgk_dequantize_s8_f32(const tgk_quantize* op,
                           const int8_t* in,
                           float* out);
