#include "fake_engine.h"

#include <cstring>

#include "ecg/inference.h"
#include "ecg/log_lines.h"
#include "ecg/wire.h"
#include "test_vector.h"

namespace fake {

Engine engine;

}  // namespace fake

namespace ecg::inference {
namespace {

Tensor input;
Tensor output;
OpTrace* trace_to = nullptr;
std::size_t built_bytes = 0;
constexpr int kDims[] = {1, 8};

void RunOperator(const char* name) {
  std::uint32_t outer = 0;
  std::uint32_t inner = 0;
  if (trace_to != nullptr) {
    outer = trace_to->Begin(name);
    inner = trace_to->Begin("INNER");
    trace_to->End(inner);
  }
  if (trace_to != nullptr) {
    trace_to->End(outer);
  }
}

}  // namespace

Status RegisterOperators() {
  if (fake::engine.resolver_fails) {
    wire::Emit(wire::ERROR{"resolver", "CONV_2D", 0});
    return Status::kResolverFailed;
  }
  return Status::kOk;
}

Status Build(Span arena, OpTrace* trace) {
  ++fake::engine.builds;
  fake::engine.has_trace = trace != nullptr;
  trace_to = trace;
  built_bytes = arena.bytes;
  if (arena.bytes < fake::engine.needs_bytes) {
    log_lines::Write("no room\n");
    return Status::kAllocateFailed;
  }
  std::memset(arena.data + arena.bytes, 0x11, fake::engine.overrun_bytes);
  input = {"int8", {arena.data, 8}, kDims, 2, 0.5F, -3};
  output = {"int8", {arena.data + 16, 8}, kDims, 2, 0.25F, 4};
  return Status::kOk;
}

Status Invoke() {
  ++fake::engine.invokes;
  for (unsigned i = 0; i < fake::engine.operators; ++i) {
    RunOperator(i % 2 == 0 ? "FIRST" : "SECOND");
  }
  if (fake::engine.invokes == fake::engine.failing_invoke) {
    return Status::kInvokeFailed;
  }
  const bool is_right = built_bytes >= fake::engine.right_from_bytes;
  for (std::size_t i = 0; i < output.data.bytes; ++i) {
    output.data.data[i] =
        static_cast<std::uint8_t>(input.data.data[i] + (is_right ? 1 : 2));
  }
  std::memset(input.data.data, 0xEE, input.data.bytes);  // As TFLM may do.
  return Status::kOk;
}

std::size_t InputCount() { return kTestInputCount; }
std::size_t OutputCount() { return kTestOutputCount; }
const Tensor& Input(std::size_t) { return input; }
const Tensor& Output(std::size_t) { return output; }
std::size_t ArenaUsedBytes() { return fake::engine.used_bytes; }

const char* BrokenGuard() {
  return fake::engine.breaks_guard ? "interpreter" : nullptr;
}

}  // namespace ecg::inference
