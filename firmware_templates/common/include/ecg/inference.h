// What an engine provides. Chosen by the linker: one engine is linked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/op_trace.h"
#include "ecg/span.h"

namespace ecg::inference {

enum class Status : std::uint8_t {
  kOk,
  kResolverFailed,
  kAllocateFailed,
  kInvokeFailed,
};

// One input or output. data and dims live until the next Build().
struct Tensor {
  const char* dtype = "";  // TFLite's name in lower case: "int8", "float32".
  Span data;
  const int* dims = nullptr;
  std::size_t dims_count = 0;
  float scale = 0.0F;
  std::int32_t zero_point = 0;
};

// Once, before the first Build(). Reports each operator that fails by name.
Status RegisterOperators();

// Builds the runtime in this memory, in place of the one before. trace may be
// null: then inferences run without any observer.
Status Build(Span arena, OpTrace* trace);

// Runs the model once. Inputs may be overwritten by it.
Status Invoke();

std::size_t InputCount();
std::size_t OutputCount();
const Tensor& Input(std::size_t index);
const Tensor& Output(std::size_t index);

// What the runtime says it used of the memory given to Build().
std::size_t ArenaUsedBytes();

// Name of the first object of the runtime whose guard words have been
// overwritten; null if all are intact.
const char* BrokenGuard();

}  // namespace ecg::inference
