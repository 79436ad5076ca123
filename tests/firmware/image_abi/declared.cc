// Every type of ecg_tflm_api.h, for its debug information to be compared with
// the image's own.
#include "ecg_tflm_api.h"

template class tflite::MicroMutableOpResolver<98>;

namespace {

class Profiler final : public tflite::MicroProfilerInterface {
 public:
  std::uint32_t BeginEvent(const char*) override { return 0; }
  void EndEvent(std::uint32_t) override {}
};

}  // namespace

// Uses every function that is declared.
TfLiteTensor* UseAll(tflite::MicroMutableOpResolver<98>& resolver,
                     const void* model,
                     std::uint8_t* arena,
                     TFLMRegistration*& registration,
                     TfLiteQuantizationType& quantization) {
  Profiler profiler;
  RegisterDebugLogCallback(nullptr);
  MicroPrintf("%d", 1);
  auto* const allocator = tflite::MicroAllocator::Create(
      arena, 1000, tflite::MemoryPlannerType::kGreedy);
  tflite::MicroInterpreter interpreter(
      tflite::GetModel(model), resolver, allocator, nullptr, &profiler);
  registration = tflite::Register_CIRCULAR_BUFFER();
  quantization = kTfLiteNoQuantization;
  if (interpreter.AllocateTensors() != kTfLiteOk ||
      interpreter.Invoke() != kTfLiteOk || allocator->used_bytes() == 0) {
    return nullptr;
  }
  return interpreter.input(interpreter.inputs_size() +
                           interpreter.outputs_size()) == nullptr
             ? interpreter.input(0)
             : interpreter.output(0);
}
