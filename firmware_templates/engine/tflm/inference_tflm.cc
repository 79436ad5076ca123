// The engine on TensorFlow Lite Micro: its public C++ API and nothing else.
#include <new>

#include "ecg/arena.h"
#include "ecg/guarded.h"
#include "ecg/inference.h"
#include "ecg/wire.h"
#include "ecg_tflm_api.h"
#include "model_data.h"
#include "npu.h"
#include "op_resolver.h"
#include "test_vector.h"
#include "tflm_log.h"

namespace ecg::inference {
namespace {

static_assert(kModelSchemaVersion == 3, "TFLM reads version 3 of the schema");

// Hands TFLM's profiling events on.
class Observer final : public tflite::MicroProfilerInterface {
 public:
  explicit Observer(OpTrace* trace) : trace_(trace) {}
  std::uint32_t BeginEvent(const char* tag) override {
    return trace_->Begin(tag);
  }
  void EndEvent(std::uint32_t handle) override { trace_->End(handle); }

 private:
  OpTrace* trace_;
};

// TFLM's objects live in static storage for ever; none is created on the heap
// and no destructor runs at exit. TFLM keeps pointers to all of them.
Guarded<sizeof(OpResolver)> resolver_memory;
Guarded<sizeof(tflite::MicroInterpreter)> interpreter_memory;
Guarded<sizeof(Observer)> observer_memory;

OpResolver* resolver = nullptr;
tflite::MicroInterpreter* interpreter = nullptr;
tflite::MicroAllocator* allocator = nullptr;
bool is_npu_ready = false;

// TFLM allocates a tensor's description on every input(i), i > 0: ask once.
Tensor inputs[kTestInputCount];
Tensor outputs[kTestOutputCount];

const char* TypeName(TfLiteType type) {
  switch (type) {
    case kTfLiteFloat32:
      return "float32";
    case kTfLiteInt32:
      return "int32";
    case kTfLiteUInt8:
      return "uint8";
    case kTfLiteInt64:
      return "int64";
    case kTfLiteBool:
      return "bool";
    case kTfLiteInt16:
      return "int16";
    case kTfLiteInt8:
      return "int8";
    case kTfLiteFloat64:
      return "float64";
    case kTfLiteUInt32:
      return "uint32";
    case kTfLiteUInt16:
      return "uint16";
    default:
      return "other";
  }
}

bool Describe(const TfLiteTensor* from, Tensor* to) {
  if (from == nullptr || from->dims == nullptr) {
    return false;
  }
  to->dtype = TypeName(from->type);
  to->data = {from->data.uint8, from->bytes};
  to->dims = from->dims->data;
  to->dims_count = static_cast<std::size_t>(from->dims->size);
  to->scale = from->params.scale;
  to->zero_point = from->params.zero_point;
  return true;
}

bool DescribeAll() {
  if (interpreter->inputs_size() != kTestInputCount ||
      interpreter->outputs_size() != kTestOutputCount) {
    wire::Emit(
        wire::ERROR{"allocate",
                    "tensor counts differ from the generated ones",
                    static_cast<std::int32_t>(interpreter->inputs_size())});
    return false;
  }
  bool ok = true;
  for (std::size_t i = 0; i < kTestInputCount; ++i) {
    ok = Describe(interpreter->input(i), &inputs[i]) && ok;
  }
  for (std::size_t i = 0; i < kTestOutputCount; ++i) {
    ok = Describe(interpreter->output(i), &outputs[i]) && ok;
  }
  return ok;
}

}  // namespace

Status RegisterOperators() {
  RouteTflmLog();
  resolver_memory.Arm();
  interpreter_memory.Arm();
  observer_memory.Arm();
  is_npu_ready = npu::Start();
  resolver = new (resolver_memory.data()) OpResolver();
  const bool ok = RegisterOps(*resolver, [](const char* op) {
    wire::Emit(wire::ERROR{"resolver", op, 0});
  });
  return ok ? Status::kOk : Status::kResolverFailed;
}

Status Build(Span arena, OpTrace* trace) {
  // The interpreter before is not destroyed: a failed AllocateTensors() can
  // leave it half built, and TFLM owns nothing outside the arena that it would
  // free.
  interpreter = nullptr;
  allocator = tflite::MicroAllocator::Create(arena.data, arena.bytes);
  if (allocator == nullptr) {
    return Status::kAllocateFailed;
  }
  Observer* const observer =
      trace == nullptr ? nullptr : new (observer_memory.data()) Observer(trace);
  interpreter = new (interpreter_memory.data()) tflite::MicroInterpreter(
      tflite::GetModel(kModelData), *resolver, allocator, nullptr, observer);
  if (interpreter->AllocateTensors() != kTfLiteOk || !DescribeAll()) {
    return Status::kAllocateFailed;
  }
  return Status::kOk;
}

Status Invoke() {
  return is_npu_ready && interpreter->Invoke() == kTfLiteOk
             ? Status::kOk
             : Status::kInvokeFailed;
}

std::size_t InputCount() { return kTestInputCount; }

std::size_t OutputCount() { return kTestOutputCount; }

const Tensor& Input(std::size_t index) { return inputs[index]; }

const Tensor& Output(std::size_t index) { return outputs[index]; }

std::size_t ArenaUsedBytes() {
  return allocator == nullptr ? 0 : allocator->used_bytes();
}

const char* BrokenGuard() {
  if (!resolver_memory.IsIntact()) {
    return "resolver";
  }
  if (!interpreter_memory.IsIntact()) {
    return "interpreter";
  }
  return observer_memory.IsIntact() ? nullptr : "observer";
}

}  // namespace ecg::inference
