// MicroOpResolver and MicroMutableOpResolver of TFLM in Arm's image, with an
// AddX() for each operator that the image has. Part of ecg_tflm_api.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "image_c_types.h"

namespace tflite {

struct Operator;
class ErrorReporter;
class BuiltinDataAllocator;

// Only the codes of operators that the image has.
enum BuiltinOperator : std::int32_t {
  BuiltinOperator_CUSTOM = 32,
#define ECG_IMAGE_OP(add, op, code, parse) BuiltinOperator_##op = code,
#include "ops_image.inc"
#undef ECG_IMAGE_OP
};

using TfLiteBridgeBuiltinParseFunction = TfLiteStatus (*)(const Operator*,
                                                          ErrorReporter*,
                                                          BuiltinDataAllocator*,
                                                          void**);

// The image calls these three through the virtual table.
class MicroOpResolver {
 public:
  virtual const TFLMRegistration* FindOp(BuiltinOperator op) const = 0;
  virtual const TFLMRegistration* FindOp(const char* custom_name) const = 0;
  virtual TfLiteBridgeBuiltinParseFunction GetOpDataParser(
      BuiltinOperator op) const = 0;
  virtual ~MicroOpResolver() = default;

 protected:
  static void operator delete(void*) {}
};

#define ECG_IMAGE_OP(add, op, code, parse)            \
  TFLMRegistration Register_##op();                   \
  TfLiteStatus parse(const Operator* op_in_model,     \
                     ErrorReporter* error_reporter,   \
                     BuiltinDataAllocator* allocator, \
                     void** builtin_data);
#include "ops_image.inc"
#undef ECG_IMAGE_OP

// Custom kernels live in static storage of the image. ETHOSU is the driver's:
// it needs an Ethos-U that has been started (image_npu_driver.h).
TFLMRegistration* Register_CIRCULAR_BUFFER();
TFLMRegistration* Register_DETECTION_POSTPROCESS();
TFLMRegistration* Register_ETHOSU();
const char* GetString_ETHOSU();

// The operators that a model may use; tOpCount is their greatest number.
template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  const TFLMRegistration* FindOp(BuiltinOperator op) const override {
    if (op == BuiltinOperator_CUSTOM) {
      return nullptr;
    }
    for (unsigned int i = 0; i < registrations_len_; ++i) {
      if (registrations_[i].builtin_code == op) {
        return &registrations_[i];
      }
    }
    return nullptr;
  }

  const TFLMRegistration* FindOp(const char* custom_name) const override {
    for (unsigned int i = 0; i < registrations_len_; ++i) {
      if (registrations_[i].builtin_code == BuiltinOperator_CUSTOM &&
          std::strcmp(registrations_[i].custom_name, custom_name) == 0) {
        return &registrations_[i];
      }
    }
    return nullptr;
  }

  TfLiteBridgeBuiltinParseFunction GetOpDataParser(
      BuiltinOperator op) const override {
    for (unsigned int i = 0; i < num_builtin_ops_; ++i) {
      if (builtin_codes_[i] == op) {
        return builtin_parsers_[i];
      }
    }
    return nullptr;
  }

  unsigned int GetRegistrationLength() const { return registrations_len_; }

  // Fails if the resolver is full or the name is known already. The name must
  // live as long as the resolver.
  TfLiteStatus AddCustom(const char* name,
                         const TFLMRegistration* registration) {
    if (registrations_len_ >= tOpCount || FindOp(name) != nullptr) {
      return kTfLiteError;
    }
    TFLMRegistration& added = registrations_[registrations_len_++];
    added = *registration;
    added.builtin_code = BuiltinOperator_CUSTOM;
    added.custom_name = name;
    return kTfLiteOk;
  }

#define ECG_IMAGE_OP(add, op, code, parse)                           \
  TfLiteStatus add() {                                               \
    return AddBuiltin(BuiltinOperator_##op, Register_##op(), parse); \
  }
#include "ops_image.inc"
#undef ECG_IMAGE_OP

  TfLiteStatus AddCircularBuffer() {
    return AddCustom("CIRCULAR_BUFFER", Register_CIRCULAR_BUFFER());
  }

  TfLiteStatus AddDetectionPostprocess() {
    return AddCustom("TFLite_Detection_PostProcess",
                     Register_DETECTION_POSTPROCESS());
  }

  // As TFLM does: no kernel linked in is no error.
  TfLiteStatus AddEthosU() {
    const TFLMRegistration* const registration = Register_ETHOSU();
    return registration == nullptr
               ? kTfLiteOk
               : AddCustom(GetString_ETHOSU(), registration);
  }

 private:
  TfLiteStatus AddBuiltin(BuiltinOperator op,
                          const TFLMRegistration& registration,
                          TfLiteBridgeBuiltinParseFunction parser) {
    if (registrations_len_ >= tOpCount || FindOp(op) != nullptr) {
      return kTfLiteError;
    }
    registrations_[registrations_len_] = registration;
    registrations_[registrations_len_++].builtin_code = op;
    builtin_codes_[num_builtin_ops_] = op;
    builtin_parsers_[num_builtin_ops_++] = parser;
    return kTfLiteOk;
  }

  TFLMRegistration registrations_[tOpCount] = {};
  unsigned int registrations_len_ = 0;
  BuiltinOperator builtin_codes_[tOpCount] = {};
  TfLiteBridgeBuiltinParseFunction builtin_parsers_[tOpCount] = {};
  unsigned int num_builtin_ops_ = 0;
};

}  // namespace tflite
