// The engine without a model: every output is a copy of the first input,
// repeated. Its tensors lie in the arena as a model's would, so that arena
// sizes, paint, timers, transfers and faults are those of a real image.
#include <cstddef>
#include <cstdint>

#include "ecg/inference.h"
#include "test_vector.h"

namespace ecg::inference {
namespace {

constexpr std::size_t kAlignment = 16;

OpTrace* trace_to = nullptr;
std::size_t used_bytes = 0;
Tensor inputs[kTestInputCount];
Tensor outputs[kTestOutputCount];
int input_dims[kTestInputCount];
int output_dims[kTestOutputCount];

// Takes one tensor from the arena; false if it does not fit.
bool Place(const TestTensor& like, Span arena, Tensor* tensor, int* dim) {
  const std::size_t bytes =
      (like.bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (bytes > arena.bytes - used_bytes) {
    return false;
  }
  *dim = static_cast<int>(like.bytes);
  tensor->dtype = "int8";
  tensor->data = {arena.data + used_bytes, like.bytes};
  tensor->dims = dim;
  tensor->dims_count = 1;
  tensor->scale = 1.0F;
  tensor->zero_point = 0;
  used_bytes += bytes;
  return true;
}

}  // namespace

Status RegisterOperators() { return Status::kOk; }

Status Build(Span arena, OpTrace* trace) {
  trace_to = trace;
  used_bytes = 0;
  bool ok = true;
  for (std::size_t i = 0; ok && i < kTestInputCount; ++i) {
    ok = Place(kTestInputs[i], arena, &inputs[i], &input_dims[i]);
  }
  for (std::size_t i = 0; ok && i < kTestOutputCount; ++i) {
    ok = Place(kTestOutputs[i], arena, &outputs[i], &output_dims[i]);
  }
  return ok ? Status::kOk : Status::kAllocateFailed;
}

Status Invoke() {
  const std::uint32_t event = trace_to == nullptr ? 0 : trace_to->Begin("ECHO");
  const Span from = inputs[0].data;
  for (const Tensor& output : outputs) {
    for (std::size_t at = 0; at < output.data.bytes; ++at) {
      output.data.data[at] = from.data[at % from.bytes];
    }
  }
  if (trace_to != nullptr) {
    trace_to->End(event);
  }
  return Status::kOk;
}

std::size_t InputCount() { return kTestInputCount; }

std::size_t OutputCount() { return kTestOutputCount; }

const Tensor& Input(std::size_t index) { return inputs[index]; }

const Tensor& Output(std::size_t index) { return outputs[index]; }

std::size_t ArenaUsedBytes() { return used_bytes; }

const char* BrokenGuard() { return nullptr; }

}  // namespace ecg::inference
