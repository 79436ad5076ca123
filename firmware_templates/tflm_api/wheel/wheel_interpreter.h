// MicroInterpreter, MicroAllocator and MicroProfilerInterface of TFLM in the
// wheel. Part of ecg_tflm_api.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wheel_c_types.h"
#include "wheel_model.h"

namespace tflite::micro {

class MicroOpResolver;
class MicroResourceVariables;

// Told of each operator's begin and end. The destructor comes first in the
// virtual table. Never deleted through a pointer, hence no operator delete.
class MicroProfilerInterface {
 public:
  virtual ~MicroProfilerInterface() = default;
  // Returns a handle for EndEvent(). tag is the operator's name.
  virtual std::uint32_t BeginEvent(const char* tag) = 0;
  virtual void EndEvent(std::uint32_t event_handle) = 0;

 protected:
  static void operator delete(void*) {}
};

enum class MemoryPlannerType { kGreedy, kLinear };

// Lives inside the arena, where Create() puts it; null if that is too small.
class MicroAllocator {
 public:
  MicroAllocator() = delete;
  static MicroAllocator* Create(
      std::uint8_t* tensor_arena,
      std::size_t arena_size,
      MemoryPlannerType memory_planner_type = MemoryPlannerType::kGreedy);
  std::size_t used_bytes() const;
};

class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model,
                   const MicroOpResolver& op_resolver,
                   std::uint8_t* tensor_arena,
                   std::size_t tensor_arena_size,
                   MicroResourceVariables* resource_variables = nullptr,
                   MicroProfilerInterface* profiler = nullptr,
                   bool preserve_all_tensors = false);
  MicroInterpreter(const Model* model,
                   const MicroOpResolver& op_resolver,
                   MicroAllocator* allocator,
                   MicroResourceVariables* resource_variables = nullptr,
                   MicroProfilerInterface* profiler = nullptr);
  ~MicroInterpreter();
  MicroInterpreter(const MicroInterpreter&) = delete;
  MicroInterpreter& operator=(const MicroInterpreter&) = delete;

  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteStatus Reset();
  TfLiteTensor* input(std::size_t index);
  TfLiteTensor* output(std::size_t index);
  std::size_t inputs_size() const { return wheel::InputCount(model_); }
  std::size_t outputs_size() const { return wheel::OutputCount(model_); }
  std::size_t arena_used_bytes() const { return allocator_->used_bytes(); }
  TfLiteStatus initialization_status() const { return initialization_status_; }

 private:
  const Model* model_;
  const MicroOpResolver* op_resolver_;
  void* context_;
  MicroAllocator* allocator_;
  std::uint64_t graph_[9];
  bool tensors_allocated_;
  TfLiteStatus initialization_status_;
  void* scratch_buffer_handles_;
  TfLiteTensor** input_tensors_;
  TfLiteTensor** output_tensors_;
  std::uint64_t micro_context_[13];
};

static_assert(sizeof(MicroInterpreter) == 240,
              "not the wheel's MicroInterpreter");

}  // namespace tflite::micro

namespace tflite {

using micro::MemoryPlannerType;
using micro::MicroAllocator;
using micro::MicroInterpreter;
using micro::MicroProfilerInterface;
using micro::MicroResourceVariables;

}  // namespace tflite
