#include "ecg/model_runner.h"

#include <cstring>

#include "app_config.h"
#include "ecg/arena.h"
#include "ecg/board.h"
#include "ecg/paint.h"
#include "test_vector.h"

namespace ecg {
namespace {

constexpr std::size_t kInputAlignment = 16;

// The inputs, one after the other; the runtime's own may share memory with
// tensors that live later in the inference.
alignas(kInputAlignment) std::uint8_t input_copies[kInputBytes];

constexpr std::size_t RoundUp(std::size_t bytes) {
  return (bytes + kInputAlignment - 1) / kInputAlignment * kInputAlignment;
}

// Where the copy of an input lies; empty if there is no such input.
Span InputCopy(std::size_t input) {
  if (input >= kTestInputCount) {
    return {};
  }
  std::size_t start = 0;
  for (std::size_t i = 0; i < input; ++i) {
    start += RoundUp(kTestInputs[i].bytes);
  }
  const std::size_t bytes = kTestInputs[input].bytes;
  return start + bytes <= kInputBytes ? Span{input_copies + start, bytes}
                                      : Span{};
}

// The compiler may not move memory accesses of the inference over a counter
// read.
void Barrier() { asm volatile("" ::: "memory"); }

}  // namespace

inference::Status ModelRunner::Build(std::size_t arena_bytes,
                                     OpTrace* trace,
                                     std::uint64_t* ticks) {
  paint::Fill(arena::Memory());
  if (trace != nullptr) {
    trace->Start(false);
  }
  const std::uint64_t start = board::Ticks();
  const inference::Status status =
      inference::Build({arena::Memory().data, arena_bytes}, trace);
  if (ticks != nullptr) {
    *ticks = board::Ticks() - start;
  }
  is_built_ = status == inference::Status::kOk;
  ReportBrokenGuards("allocate");
  return status;
}

void ModelRunner::UseGoldenInputs() {
  std::memset(input_copies, 0, sizeof(input_copies));
  for (std::size_t i = 0; i < kTestInputCount; ++i) {
    const Span copy = InputCopy(i);
    if (kTestInputs[i].data != nullptr && copy.data != nullptr) {
      std::memcpy(copy.data, kTestInputs[i].data, copy.bytes);
    }
  }
}

bool ModelRunner::WriteInput(std::size_t input,
                             std::size_t offset,
                             ConstSpan data) {
  const Span copy = InputCopy(input);
  if (offset > copy.bytes || data.bytes > copy.bytes - offset) {
    return false;
  }
  if (data.bytes > 0) {
    std::memcpy(copy.data + offset, data.data, data.bytes);
  }
  return true;
}

ConstSpan ModelRunner::Input(std::size_t input) const {
  const Span copy = InputCopy(input);
  return {copy.data, copy.bytes};
}

void ModelRunner::LoadInputs() {
  for (std::size_t i = 0; i < kTestInputCount; ++i) {
    const Span copy = InputCopy(i);
    const Span tensor = inference::Input(i).data;
    const std::size_t bytes =
        copy.bytes < tensor.bytes ? copy.bytes : tensor.bytes;
    if (bytes > 0) {
      std::memcpy(tensor.data, copy.data, bytes);
    }
  }
}

inference::Status ModelRunner::Run(std::uint64_t* ticks) {
  if (!is_built_) {
    return inference::Status::kAllocateFailed;
  }
  LoadInputs();
  Barrier();
  const std::uint64_t start = board::Ticks();
  Barrier();
  const inference::Status status = inference::Invoke();
  Barrier();
  *ticks = board::Ticks() - start;
  Barrier();
  ReportBrokenGuards("invoke");
  return status;
}

wire::SELFTEST ModelRunner::CompareWithGolden() const {
  wire::SELFTEST result{0, 1, -1};
  for (std::size_t i = 0; i < kTestOutputCount; ++i) {
    const Span output = inference::Output(i).data;
    if (kTestOutputs[i].data == nullptr ||
        kTestOutputs[i].bytes != output.bytes) {
      return {0, 0, -1};
    }
    for (std::size_t at = 0; at < output.bytes; ++at, ++result.bytes) {
      if (output.data[at] != kTestOutputs[i].data[at] && result.equal != 0) {
        result.equal = 0;
        result.first_difference = static_cast<std::int32_t>(result.bytes);
      }
    }
  }
  return result;
}

void ReportBrokenGuards(const char* where) {
  const char* broken = inference::BrokenGuard();
  if (broken == nullptr && !arena::GuardsIntact()) {
    broken = "arena";
  }
  if (broken != nullptr) {
    wire::Emit(wire::ERROR{where, broken, -1});
  }
}

}  // namespace ecg
