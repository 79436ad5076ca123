#pragma once

#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {

class MicroResourceVariables;

class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model,
                   const MicroOpResolver& resolver,
                   MicroAllocator* allocator,
                   MicroResourceVariables* variables,
                   MicroProfilerInterface* profiler);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  std::size_t inputs_size() const;
  std::size_t outputs_size() const;
  TfLiteTensor* input(std::size_t index);
  TfLiteTensor* output(std::size_t index);

 private:
  const Model* model_;
  MicroProfilerInterface* profiler_;
};

}  // namespace tflite
