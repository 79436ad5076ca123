// The engine on a compiled model: no runtime to build, no operators to
// register.
#include "ecg/inference.h"
#include "model.h"

namespace ecg::inference {
namespace {

constexpr std::size_t kArenaBytes = COMPILED_MODEL_ARENA_BYTES;
constexpr std::size_t kInputCount = COMPILED_MODEL_INPUT_COUNT;
constexpr std::size_t kOutputCount = COMPILED_MODEL_OUTPUT_COUNT;
constexpr std::uintptr_t kAlignment = 16;

// A tensor, and its dimensions as the engine API wants them.
struct Described {
  Tensor tensor;
  int dims[TGK_TENSOR_MAX_DIMS] = {};
};

Described inputs[kInputCount];
Described outputs[kOutputCount];
std::uint8_t* memory = nullptr;
OpTrace* observer = nullptr;

void Describe(const tgk_tensor& from, Described* to) {
  const auto dims_count = static_cast<std::size_t>(from.dims_count);
  for (std::size_t i = 0; i < dims_count; ++i) {
    to->dims[i] = static_cast<int>(from.dims[i]);
  }
  to->tensor.dtype = from.dtype;
  to->tensor.data = {memory + from.offset,
                     static_cast<std::size_t>(from.bytes)};
  to->tensor.dims = to->dims;
  to->tensor.dims_count = dims_count;
  to->tensor.scale = from.scale;
  to->tensor.zero_point = from.zero_point;
}

}  // namespace

Status RegisterOperators() { return Status::kOk; }

Status Build(Span arena, OpTrace* trace) {
  memory = nullptr;
  observer = trace;
  const auto address = reinterpret_cast<std::uintptr_t>(arena.data);
  if (arena.bytes < kArenaBytes || address % kAlignment != 0) {
    return Status::kAllocateFailed;
  }
  memory = arena.data;
  for (std::size_t i = 0; i < kInputCount; ++i) {
    Describe(compiled_model_inputs[i], &inputs[i]);
  }
  for (std::size_t i = 0; i < kOutputCount; ++i) {
    Describe(compiled_model_outputs[i], &outputs[i]);
  }
  return Status::kOk;
}

Status Invoke() {
  if (memory == nullptr) {
    return Status::kInvokeFailed;
  }
  if (observer == nullptr) {
    compiled_model_invoke(memory);
    return Status::kOk;
  }
  for (std::int32_t step = 0; step < COMPILED_MODEL_STEP_COUNT; ++step) {
    const std::uint32_t handle =
        observer->Begin(compiled_model_step_name(step));
    compiled_model_run_step(step, memory);
    observer->End(handle);
  }
  return Status::kOk;
}

std::size_t InputCount() { return kInputCount; }

std::size_t OutputCount() { return kOutputCount; }

const Tensor& Input(std::size_t index) { return inputs[index].tensor; }

const Tensor& Output(std::size_t index) { return outputs[index].tensor; }

std::size_t ArenaUsedBytes() { return kArenaBytes; }

const char* BrokenGuard() { return nullptr; }

}  // namespace ecg::inference
