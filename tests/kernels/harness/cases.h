// A batch of compiled models with input vectors and expected outputs.
#pragma once

#include <stdint.h>

#include "tgk/model.h"

typedef struct {
  const char* name;
  const tgk_tensor* inputs;
  int32_t input_count;
  const tgk_tensor* outputs;
  int32_t output_count;
  int32_t arena_bytes;
  int32_t vector_count;
  const unsigned char* vectors_in;
  const unsigned char* vectors_out;
  void (*invoke)(void* arena);
} test_case;

extern const test_case test_cases[];
extern const int32_t test_case_count;
