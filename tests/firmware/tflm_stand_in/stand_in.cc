// Bodies for the functions that the stand-in headers declare; becomes
// micro_interpreter.cc of the tree.
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"

extern "C" void DebugLog(const char* format, __builtin_va_list arguments);

namespace {

std::uint8_t* arena_start = nullptr;
TfLiteIntArray dims = {1, {4}};
TfLiteTensor tensors[2];

}  // namespace

void MicroPrintf(const char* format, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  DebugLog(format, arguments);
  __builtin_va_end(arguments);
}

namespace tflite {

MicroAllocator* MicroAllocator::Create(std::uint8_t* arena, std::size_t bytes) {
  static MicroAllocator allocator;
  arena_start = arena;
  return bytes >= 64 ? &allocator : nullptr;
}

std::size_t MicroAllocator::used_bytes() const { return 64; }

MicroInterpreter::MicroInterpreter(const Model* model,
                                   const MicroOpResolver& resolver,
                                   MicroAllocator* allocator,
                                   MicroResourceVariables* variables,
                                   MicroProfilerInterface* profiler)
    : model_(model), profiler_(profiler) {
  static_cast<void>(resolver.FindOp(0));
  static_cast<void>(allocator);
  static_cast<void>(variables);
}

TfLiteStatus MicroInterpreter::AllocateTensors() {
  for (int i = 0; i < 2; ++i) {
    tensors[i] = {{0.5F, -1}, {arena_start + 16 * i}, &dims, 4, kTfLiteInt8};
  }
  MicroPrintf("%s", model_ != nullptr ? "ready" : "no model");
  return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
  const std::uint32_t event =
      profiler_ != nullptr ? profiler_->BeginEvent("CONV_2D") : 0;
  for (int i = 0; i < 4; ++i) {
    tensors[1].data.uint8[i] = tensors[0].data.uint8[3 - i];
  }
  if (profiler_ != nullptr) {
    profiler_->EndEvent(event);
  }
  return kTfLiteOk;
}

std::size_t MicroInterpreter::inputs_size() const { return 1; }
std::size_t MicroInterpreter::outputs_size() const { return 1; }
TfLiteTensor* MicroInterpreter::input(std::size_t) { return &tensors[0]; }
TfLiteTensor* MicroInterpreter::output(std::size_t) { return &tensors[1]; }

}  // namespace tflite
