// What a compiled model says about its inputs and outputs.
#pragma once

#include <stdint.h>

#define TGK_TENSOR_MAX_DIMS 8

typedef struct {
  const char* name;
  const char* dtype;  // TFLite's name in lower case: "int8", "float32".
  int32_t dims[TGK_TENSOR_MAX_DIMS];
  int32_t dims_count;
  int32_t bytes;
  float scale;  // 0 without quantization.
  int32_t zero_point;
  int32_t offset;  // First byte in the arena.
} tgk_tensor;
