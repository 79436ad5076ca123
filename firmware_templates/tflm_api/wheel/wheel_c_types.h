// The C types of TFLM in the wheel: in namespace tflite::micro, and offered in
// the global namespace too, as upstream does. Part of ecg_tflm_api.h.
#pragma once

#include <cstddef>
#include <cstdint>

static_assert(sizeof(void*) == 8, "the wheel's TFLM is a 64-bit program");

namespace tflite::micro {

// Four bytes each: the wheel's enumerations have no explicit base.
enum TfLiteStatus {
  kTfLiteOk = 0,
  kTfLiteError = 1,
  kTfLiteDelegateError = 2,
  kTfLiteApplicationError = 3,
  kTfLiteDelegateDataNotFound = 4,
  kTfLiteDelegateDataWriteError = 5,
  kTfLiteDelegateDataReadError = 6,
  kTfLiteUnresolvedOps = 7,
  kTfLiteCancelled = 8,
  kTfLiteOutputShapeNotKnown = 9,
};

enum TfLiteType {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteString = 5,
  kTfLiteBool = 6,
  kTfLiteInt16 = 7,
  kTfLiteComplex64 = 8,
  kTfLiteInt8 = 9,
  kTfLiteFloat16 = 10,
  kTfLiteFloat64 = 11,
  kTfLiteComplex128 = 12,
  kTfLiteUInt64 = 13,
  kTfLiteResource = 14,
  kTfLiteVariant = 15,
  kTfLiteUInt32 = 16,
  kTfLiteUInt16 = 17,
  kTfLiteInt4 = 18,
  kTfLiteBFloat16 = 19,
};

enum TfLiteAllocationType {
  kTfLiteMemNone = 0,
  kTfLiteMmapRo = 1,
  kTfLiteArenaRw = 2,
};

enum TfLiteQuantizationType {
  kTfLiteNoQuantization = 0,
  kTfLiteAffineQuantization = 1,
};

struct TfLiteContext;
struct TfLiteNode;

// size, then that many ints.
struct TfLiteIntArray {
  int size;
  int data[1];
};

struct TfLiteQuantizationParams {
  float scale;
  std::int32_t zero_point;
};

struct TfLiteQuantization {
  TfLiteQuantizationType type;
  void* params;
};

union TfLitePtrUnion {
  std::int32_t* i32;
  std::uint32_t* u32;
  std::int64_t* i64;
  std::uint64_t* u64;
  float* f;
  double* f64;
  char* raw;
  const char* raw_const;
  std::uint8_t* uint8;
  bool* b;
  std::int16_t* i16;
  std::uint16_t* ui16;
  std::int8_t* int8;
  void* data;
};

struct TfLiteTensor {
  TfLiteQuantization quantization;
  TfLiteQuantizationParams params;
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  std::size_t bytes;
  TfLiteType type;
  TfLiteAllocationType allocation_type;
  bool is_variable;
};
static_assert(sizeof(TfLiteTensor) == 64, "not the wheel's TfLiteTensor");
static_assert(offsetof(TfLiteTensor, bytes) == 40 &&
                  offsetof(TfLiteTensor, type) == 48 &&
                  offsetof(TfLiteTensor, is_variable) == 56,
              "not the wheel's TfLiteTensor");

// A kernel: the functions that TFLM calls for one operator.
struct TFLMRegistration {
  void* (*init)(TfLiteContext* context, const char* buffer, std::size_t length);
  void (*free)(TfLiteContext* context, void* buffer);
  TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
  TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
  void (*reset)(TfLiteContext* context, void* buffer);
  std::int32_t builtin_code;
  const char* custom_name;
};
static_assert(sizeof(TFLMRegistration) == 56 &&
                  offsetof(TFLMRegistration, builtin_code) == 40,
              "not the wheel's TFLMRegistration");

// "FLOAT32", "INT8" and so on.
const char* TfLiteTypeGetName(TfLiteType type);

}  // namespace tflite::micro

using tflite::micro::kTfLiteAffineQuantization;
using tflite::micro::kTfLiteArenaRw;
using tflite::micro::kTfLiteBFloat16;
using tflite::micro::kTfLiteBool;
using tflite::micro::kTfLiteComplex128;
using tflite::micro::kTfLiteComplex64;
using tflite::micro::kTfLiteError;
using tflite::micro::kTfLiteFloat16;
using tflite::micro::kTfLiteFloat32;
using tflite::micro::kTfLiteFloat64;
using tflite::micro::kTfLiteInt16;
using tflite::micro::kTfLiteInt32;
using tflite::micro::kTfLiteInt4;
using tflite::micro::kTfLiteInt64;
using tflite::micro::kTfLiteInt8;
using tflite::micro::kTfLiteMemNone;
using tflite::micro::kTfLiteMmapRo;
using tflite::micro::kTfLiteNoQuantization;
using tflite::micro::kTfLiteNoType;
using tflite::micro::kTfLiteOk;
using tflite::micro::kTfLiteResource;
using tflite::micro::kTfLiteString;
using tflite::micro::kTfLiteUInt16;
using tflite::micro::kTfLiteUInt32;
using tflite::micro::kTfLiteUInt64;
using tflite::micro::kTfLiteUInt8;
using tflite::micro::kTfLiteVariant;
using tflite::micro::TfLiteAllocationType;
using tflite::micro::TfLiteContext;
using tflite::micro::TfLiteIntArray;
using tflite::micro::TfLiteNode;
using tflite::micro::TfLitePtrUnion;
using tflite::micro::TfLiteQuantization;
using tflite::micro::TfLiteQuantizationParams;
using tflite::micro::TfLiteQuantizationType;
using tflite::micro::TfLiteStatus;
using tflite::micro::TfLiteTensor;
using tflite::micro::TfLiteType;
using tflite::micro::TfLiteTypeGetName;
using tflite::micro::TFLMRegistration;

// printf to the standard error stream.
[[gnu::format(printf, 1, 2)]] void MicroPrintf(const char* format, ...);
