#pragma once

#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {

TfLiteStatus Register_CONV_2D();
TfLiteStatus Register_SOFTMAX();
TfLiteStatus Register_RESHAPE();

class MicroOpResolver {
 public:
  virtual int FindOp(int code) const = 0;

 protected:
  ~MicroOpResolver() = default;
};

template <unsigned kCount>
class MicroMutableOpResolver final : public MicroOpResolver {
 public:
  int FindOp(int code) const override {
    return code + static_cast<int>(kCount);
  }
  TfLiteStatus AddConv2D() { return Register_CONV_2D(); }
  TfLiteStatus AddSoftmax() { return Register_SOFTMAX(); }
  TfLiteStatus AddReshape() { return Register_RESHAPE(); }
};

}  // namespace tflite
