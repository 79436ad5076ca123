// MicroInterpreter, MicroAllocator, MicroProfilerInterface and GetModel() of
// TFLM in Arm's image. Part of ecg_tflm_api.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image_c_types.h"
#include "image_model.h"

namespace tflite {

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

enum class MemoryPlannerType : std::int32_t { kGreedy, kLinear };

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
                   MicroAllocator* allocator,
                   MicroResourceVariables* resource_variables = nullptr,
                   MicroProfilerInterface* profiler = nullptr);
  ~MicroInterpreter();
  MicroInterpreter(const MicroInterpreter&) = delete;
  MicroInterpreter& operator=(const MicroInterpreter&) = delete;

  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  // Allocated from the arena: call once for each index other than 0.
  TfLiteTensor* input(std::size_t index);
  TfLiteTensor* output(std::size_t index);
  std::size_t inputs_size() const { return image::InputCount(model_); }
  std::size_t outputs_size() const { return image::OutputCount(model_); }
  TfLiteStatus initialization_status() const { return initialization_status_; }

 private:
  const Model* model_;
  const MicroOpResolver* op_resolver_;
  std::uint32_t context_[25];
  MicroAllocator* allocator_;
  std::uint32_t graph_[9];
  bool tensors_allocated_;
  TfLiteStatus initialization_status_;
  void* scratch_buffer_handles_;
  TfLiteTensor** input_tensors_;
  TfLiteTensor** output_tensors_;
  std::uint32_t micro_context_[8];
};

static_assert(sizeof(MicroInterpreter) == 196 || sizeof(void*) != 4,
              "not the image's MicroInterpreter");

}  // namespace tflite
