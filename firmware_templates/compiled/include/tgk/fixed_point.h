// TFLite's fixed-point arithmetic: what every quantized kernel ends with.
//
// Right shifts of negative numbers are arithmetic here, as all supported
// compilers define them; everything else is defined by C11.
#pragma once

#include <stdint.h>

// Two's complement reading of 32 bits.
static inline int32_t tgk_wrap(uint32_t bits) {
  return bits <= (uint32_t)INT32_MAX ? (int32_t)bits
                                     : -1 - (int32_t)(UINT32_MAX - bits);
}

// Rounding, doubling high product: (a * b + 2^30) / 2^31, rounded down.
// multiplier is never INT32_MIN, so the result always fits.
static inline int32_t tgk_high_mul(int32_t a, int32_t multiplier) {
  const int64_t product = (int64_t)a * multiplier;
  return (int32_t)((product + ((int64_t)1 << 30)) >> 31);
}

// value / 2^exponent, halves away from zero; exponent in [0, 31].
static inline int32_t tgk_divide_pot(int32_t value, int32_t exponent) {
  const int64_t half = ((int64_t)1 << exponent) >> 1;
  const int64_t away = exponent > 0 && value < 0 ? 1 : 0;
  return (int32_t)(((int64_t)value + half - away) >> exponent);
}

// value * multiplier / 2^31 * 2^shift in TFLite's two roundings; a left shift
// wraps as it does there.
static inline int32_t tgk_rescale(int32_t value,
                                  int32_t multiplier,
                                  int32_t shift) {
  if (shift > 0) {
    return tgk_high_mul(tgk_wrap((uint32_t)value << shift), multiplier);
  }
  return tgk_divide_pot(tgk_high_mul(value, multiplier), -shift);
}

static inline int32_t tgk_clamp(int32_t value, int32_t low, int32_t high) {
  if (value < low) {
    return low;
  }
  return value > high ? high : value;
}

static inline int32_t tgk_max(int32_t a, int32_t b) { return a > b ? a : b; }

static inline int32_t tgk_min(int32_t a, int32_t b) { return a < b ? a : b; }
