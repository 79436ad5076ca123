// MicroOpResolver and MicroMutableOpResolver of TFLM in the wheel, with an
// AddX() for each operator that the wheel has. Part of ecg_tflm_api.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "wheel_c_types.h"

namespace tflite {

struct Operator;

// Only the codes of operators that the wheel has.
enum BuiltinOperator : std::int32_t {
  BuiltinOperator_CUSTOM = 32,
#define ECG_WHEEL_OP(add, op, code, parse) BuiltinOperator_##op = code,
#include "ops_wheel.inc"
};

namespace micro {

class BuiltinDataAllocator;

using TfLiteBridgeBuiltinParseFunction = TfLiteStatus (*)(const Operator*,
                                                          BuiltinDataAllocator*,
                                                          void**);

// TFLM calls these three through the virtual table.
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

#define ECG_WHEEL_OP(add, op, code, parse)            \
  TFLMRegistration Register_##op();                   \
  TfLiteStatus parse(const Operator* op_in_model,     \
                     BuiltinDataAllocator* allocator, \
                     void** builtin_data);
#define ECG_WHEEL_CUSTOM(add, name, registration) \
  TFLMRegistration* registration();
#define ECG_WHEEL_CUSTOM_VALUE(add, name, registration) \
  TFLMRegistration registration();
#include "ops_wheel.inc"

// Null: the wheel is built without the Ethos-U driver.
TFLMRegistration* Register_ETHOSU();
const char* GetString_ETHOSU();

namespace tflm_signal {
#define ECG_WHEEL_SIGNAL(add, name, registration) \
  TFLMRegistration* registration();
#include "ops_wheel.inc"
}  // namespace tflm_signal

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
    for (unsigned int i = 0; i < builtin_count_; ++i) {
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

#define ECG_WHEEL_OP(add, op, code, parse)                           \
  TfLiteStatus add() {                                               \
    return AddBuiltin(BuiltinOperator_##op, Register_##op(), parse); \
  }
#define ECG_WHEEL_CUSTOM(add, name, registration) \
  TfLiteStatus add() { return AddCustom(name, registration()); }
#define ECG_WHEEL_SIGNAL(add, name, registration) \
  TfLiteStatus add() { return AddCustom(name, tflm_signal::registration()); }
#define ECG_WHEEL_CUSTOM_VALUE(add, name, registration) \
  TfLiteStatus add() {                                  \
    const TFLMRegistration value = registration();      \
    return AddCustom(name, &value);                     \
  }
#include "ops_wheel.inc"

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
    builtin_codes_[builtin_count_] = op;
    builtin_parsers_[builtin_count_++] = parser;
    return kTfLiteOk;
  }

  TFLMRegistration registrations_[tOpCount] = {};
  unsigned int registrations_len_ = 0;
  BuiltinOperator builtin_codes_[tOpCount] = {};
  TfLiteBridgeBuiltinParseFunction builtin_parsers_[tOpCount] = {};
  unsigned int builtin_count_ = 0;
};

}  // namespace micro

using micro::MicroMutableOpResolver;
using micro::MicroOpResolver;

}  // namespace tflite
