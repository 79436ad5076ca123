// A chain of second-order sections; the sampler and the beat detector filter
// with it.
#pragma once

#include <stdint.h>

// One second-order section, a0 = 1, in transposed direct form II.
typedef struct {
  float b0, b1, b2, a1, a2;
} EcgSection;

// One sample through all sections, each with two values of memory.
static inline float EcgFilter(const EcgSection* sections,
                              uint32_t n_sections,
                              float (*state)[2],
                              float value) {
  for (uint32_t i = 0; i < n_sections; ++i) {
    const EcgSection* section = &sections[i];
    float* memory = state[i];
    const float out = section->b0 * value + memory[0];
    memory[0] = section->b1 * value - section->a1 * out + memory[1];
    memory[1] = section->b2 * value - section->a2 * out;
    value = out;
  }
  return value;
}
