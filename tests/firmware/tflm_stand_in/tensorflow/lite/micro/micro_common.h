// The types of TFLM's C API that the engine uses; see README.md.
#pragma once

#include <cstddef>
#include <cstdint>

#ifndef TF_LITE_STATIC_MEMORY
#error "TFLM must be built, and its headers read, with TF_LITE_STATIC_MEMORY"
#endif

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
enum TfLiteType {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteBool = 6,
  kTfLiteInt16 = 7,
  kTfLiteInt8 = 9,
  kTfLiteFloat64 = 11,
  kTfLiteUInt32 = 16,
  kTfLiteUInt16 = 17,
};
struct TfLiteIntArray {
  int size;
  int data[1];
};
struct TfLiteTensor {
  struct {
    float scale;
    std::int32_t zero_point;
  } params;
  union {
    std::uint8_t* uint8;
  } data;
  TfLiteIntArray* dims;
  std::size_t bytes;
  TfLiteType type;
};
