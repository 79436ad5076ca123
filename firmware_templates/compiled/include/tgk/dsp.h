// The instructions of Arm's DSP extension that the _dsp kernels use, with the
// same results in plain C elsewhere, so that the kernels can be tested
// anywhere.
#pragma once

#include <stdint.h>
#include <string.h>

#include "tgk/fixed_point.h"
#include "tgk/kernels.h"

#if defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1)
#define TGK_HAS_DSP 1
#include <arm_acle.h>
#else
#define TGK_HAS_DSP 0
#endif

// Reads 32 bits at any alignment.
static inline uint32_t tgk_load_word(const void* from) {
  uint32_t word;
  (void)memcpy(&word, from, sizeof(word));
  return word;
}

static inline void tgk_store_word(void* to, uint32_t word) {
  (void)memcpy(to, &word, sizeof(word));
}

#if TGK_HAS_DSP

// sum + low(a) * low(b) + high(a) * high(b) on signed halves.
static inline int32_t tgk_smlad(uint32_t a, uint32_t b, int32_t sum) {
  return __smlad((int16x2_t)a, (int16x2_t)b, sum);
}

// Bytes 0 and 2, sign-extended to halves.
static inline uint32_t tgk_sxtb16(uint32_t a) {
  return (uint32_t)__sxtb16((int8x4_t)a);
}

// Bytes 1 and 3, sign-extended to halves.
static inline uint32_t tgk_sxtb16_odd(uint32_t a) {
  uint32_t result;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(a));
  return result;
}

// Swaps the bytes of each half.
static inline uint32_t tgk_rev16(uint32_t a) {
  uint32_t result;
  __asm__("rev16 %0, %1" : "=r"(result) : "r"(a));
  return result;
}

// sum + (a * b + 2^31) / 2^32, rounded down.
static inline int32_t tgk_smmlar(int32_t a, int32_t b, int32_t sum) {
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

static inline int32_t tgk_saturate_s8(int32_t value) {
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
  return result;
}

// low(a) as low half, low(b) as high half; then high(a), high(b).
static inline uint32_t tgk_pack_low(uint32_t a, uint32_t b) {
  uint32_t result;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
  return result;
}

static inline uint32_t tgk_pack_high(uint32_t a, uint32_t b) {
  uint32_t result;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(b), "r"(a));
  return result;
}

// Larger of each of four signed bytes: SSUB8 sets a flag per byte, SEL obeys.
static inline uint32_t tgk_max_s8x4(uint32_t a, uint32_t b) {
  uint32_t result;
  __asm__("ssub8 %0, %1, %2\n sel %0, %1, %2"
          : "=&r"(result)
          : "r"(a), "r"(b)
          : "cc");
  return result;
}

#else

static inline int32_t tgk_half(uint32_t word, int32_t high) {
  const uint32_t bits = high != 0 ? word >> 16 : word & 0xFFFFU;
  return bits < 0x8000U ? (int32_t)bits : (int32_t)bits - 0x10000;
}

static inline uint32_t tgk_halves(int32_t low, int32_t high) {
  return ((uint32_t)low & 0xFFFFU) | ((uint32_t)high << 16);
}

static inline int32_t tgk_byte(uint32_t word, int32_t index) {
  const uint32_t bits = (word >> (8 * index)) & 0xFFU;
  return bits < 0x80U ? (int32_t)bits : (int32_t)bits - 0x100;
}

static inline int32_t tgk_smlad(uint32_t a, uint32_t b, int32_t sum) {
  return sum + tgk_half(a, 0) * tgk_half(b, 0) +
         tgk_half(a, 1) * tgk_half(b, 1);
}

static inline uint32_t tgk_sxtb16(uint32_t a) {
  return tgk_halves(tgk_byte(a, 0), tgk_byte(a, 2));
}

static inline uint32_t tgk_sxtb16_odd(uint32_t a) {
  return tgk_halves(tgk_byte(a, 1), tgk_byte(a, 3));
}

static inline uint32_t tgk_rev16(uint32_t a) {
  return ((a & 0x00FF00FFU) << 8) | ((a >> 8) & 0x00FF00FFU);
}

static inline int32_t tgk_smmlar(int32_t a, int32_t b, int32_t sum) {
  const int64_t product = (int64_t)a * b + ((int64_t)sum * ((int64_t)1 << 32));
  return (int32_t)((product + ((int64_t)1 << 31)) >> 32);
}

static inline int32_t tgk_saturate_s8(int32_t value) {
  return tgk_clamp(value, INT8_MIN, INT8_MAX);
}

static inline uint32_t tgk_max_s8x4(uint32_t a, uint32_t b) {
  uint32_t result = 0;
  for (int32_t i = 0; i < 4; ++i) {
    const int32_t larger = tgk_max(tgk_byte(a, i), tgk_byte(b, i));
    result |= ((uint32_t)larger & 0xFFU) << (8 * i);
  }
  return result;
}

static inline uint32_t tgk_pack_low(uint32_t a, uint32_t b) {
  return (a & 0xFFFFU) | (b << 16);
}

static inline uint32_t tgk_pack_high(uint32_t a, uint32_t b) {
  return (a >> 16) | (b & 0xFFFF0000U);
}

#endif

// Finishes a sum to int8; see tgk_fast_channel. With the right shift and the
// range it states, this equals tgk_rescale(): doubling moves SMMLAR's rounding
// to that of tgk_high_mul(), and the sign of the sum is the sign that rounds
// halves away from zero.
static inline int32_t tgk_finish_fast(int32_t sum,
                                      const tgk_fast_channel* channel) {
  const int32_t twice = channel->twice_bias + sum * 2;
  const int32_t scaled =
      tgk_smmlar(twice, channel->multiplier, channel->offset + (twice >> 31));
  return tgk_saturate_s8(scaled >> channel->shift);
}

// Clamps bytes where they are, four at a time; nothing to do for all of int8.
static inline void tgk_clamp_s8(int8_t* values,
                                int32_t count,
                                int32_t low,
                                int32_t high) {
  if (low <= INT8_MIN && high >= INT8_MAX) {
    return;
  }
  const uint32_t low4 = ((uint32_t)low & 0xFFU) * 0x01010101U;
  // min(a, b) is ~max(~a, ~b).
  const uint32_t not_high4 = ~(((uint32_t)high & 0xFFU) * 0x01010101U);
  for (; count >= 4; count -= 4) {
    const uint32_t raised = tgk_max_s8x4(tgk_load_word(values), low4);
    tgk_store_word(values, ~tgk_max_s8x4(~raised, not_high4));
    values += 4;
  }
  for (; count > 0; --count) {
    *values = (int8_t)tgk_clamp(*values, low, high);
    ++values;
  }
}
