// Start-up: each step is announced before it is taken, so that the last line
// before silence names the step that failed.
#include <cstring>
#include <string_view>

#include "app_config.h"
#include "ecg/app.h"
#include "ecg/arena.h"
#include "ecg/arena_need.h"
#include "ecg/board.h"
#include "ecg/crc32.h"
#include "ecg/log_lines.h"
#include "ecg/paint.h"
#include "ecg/progress.h"
#include "model_data.h"

namespace ecg {
namespace {

constexpr int kCounterReads = 8;
constexpr int kSpins = 1000;

// Space for "1x360x1": ten digits and an 'x' for each of eight dimensions.
constexpr std::size_t kMaxDimsText = 8 * 11;

wire::TIMER CheckTimer() {
  std::uint64_t overhead = ~std::uint64_t{0};
  for (int i = 0; i < kCounterReads; ++i) {
    const std::uint64_t start = board::Ticks();
    const std::uint64_t ticks = board::Ticks() - start;
    overhead = ticks < overhead ? ticks : overhead;
  }
  const std::uint64_t before = board::Ticks();
  for (volatile int i = 0; i < kSpins;) {
    i = i + 1;
  }
  const bool advances = board::Ticks() > before;
  return {board::TickSource(), board::TickHz(), advances ? 1U : 0U, overhead};
}

char* AppendDecimal(char* to, std::uint32_t value) {
  char digits[10];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (count > 0) {
    *to++ = digits[--count];
  }
  return to;
}

// "1x360x1", or "scalar".
void DimsText(const inference::Tensor& tensor, char (&text)[kMaxDimsText + 8]) {
  std::strcpy(text, "scalar");
  char* to = text;
  for (std::size_t i = 0; i < tensor.dims_count && i < 8; ++i) {
    if (i > 0) {
      *to++ = 'x';
    }
    to = AppendDecimal(to, static_cast<std::uint32_t>(tensor.dims[i]));
    *to = '\0';
  }
}

void ReportTensor(const char* io,
                  std::size_t index,
                  const inference::Tensor& tensor) {
  char dims[kMaxDimsText + 8];
  DimsText(tensor, dims);
  std::uint32_t scale_bits = 0;
  std::memcpy(&scale_bits, &tensor.scale, sizeof(scale_bits));
  wire::Emit(wire::TENSOR{io,
                          wire::U32(index),
                          tensor.dtype,
                          wire::U32(tensor.data.bytes),
                          dims,
                          scale_bits,
                          tensor.zero_point});
}

bool Fail(App& app, std::uint32_t status) {
  app.boot.status = status;
  return false;
}

bool BuildRuntime(App& app) {
  progress::Enter("resolver");
  const std::uint64_t start = board::Ticks();
  if (inference::RegisterOperators() != inference::Status::kOk) {
    return Fail(app, 1);
  }
  const std::uint64_t resolver_ticks = board::Ticks() - start;
  progress::Enter("allocate");
  const std::size_t arena_bytes = arena::Memory().bytes;
  std::uint64_t allocate_ticks = 0;
  const inference::Status status =
      app.runner.Build(arena_bytes, &app.trace, &allocate_ticks);
  if (status != inference::Status::kOk) {
    wire::Emit(wire::ERROR{
        "allocate", "arena", static_cast<std::int32_t>(arena_bytes)});
    return Fail(app, 2);
  }
  ReportTensors();
  ReportArena();
  wire::Emit(wire::LATENCY{"init", 0, resolver_ticks + allocate_ticks});
  return true;
}

bool RunGoldenVector(App& app) {
  progress::Enter("selftest");
  app.runner.UseGoldenInputs();
  app.trace.Start(false);
  std::uint64_t ticks = 0;
  if (app.runner.Run(&ticks) != inference::Status::kOk) {
    wire::Emit(wire::ERROR{"selftest", "invoke", progress::Operator()});
    return Fail(app, 3);
  }
  wire::Emit(wire::LATENCY{"first_invoke", 0, ticks});
  app.boot.selftest = app.runner.CompareWithGolden();
  wire::Emit(app.boot.selftest);
  ReportArena();
  progress::Enter("arena");
  app.boot.need = FindArenaNeed(app.runner, &app.trace);
  wire::Emit(app.boot.need);
  const bool has_golden = app.boot.selftest.bytes > 0;
  return has_golden && app.boot.selftest.equal == 0 ? Fail(app, 4) : true;
}

}  // namespace

void ReportIdentity() {
  std::uint32_t model_crc = kModelCrc32;
  // The compiled engine has the model as code: its file is not in flash.
  if constexpr (std::string_view(kEngineName) != "compiled") {
    Crc32 crc;
    crc.Add(kModelData, kModelBytes);
    model_crc = crc.value();
  }
  wire::Emit(wire::BANNER{wire::kVersion,
                          kFirmwareVersion,
                          kBoardId,
                          kEngineName,
                          kKernelsName,
                          kRuntimeId,
                          kModelName,
                          wire::U32(kModelBytes),
                          model_crc,
                          kModelSha256});
}

void ReportTensors() {
  for (std::size_t i = 0; i < inference::InputCount(); ++i) {
    ReportTensor("input", i, inference::Input(i));
  }
  for (std::size_t i = 0; i < inference::OutputCount(); ++i) {
    ReportTensor("output", i, inference::Output(i));
  }
}

void ReportArena() {
  const Span memory = arena::Memory();
  wire::Emit(
      wire::ARENA{wire::U32(memory.bytes),
                  wire::U32(inference::ArenaUsedBytes()),
                  wire::U32(paint::TouchedBytes({memory.data, memory.bytes}))});
}

void ReportStack() {
  const Span stack = board::Stack();
  wire::Emit(
      wire::STACK{wire::U32(stack.bytes),
                  wire::U32(paint::HighWaterBytes({stack.data, stack.bytes}))});
}

void Boot(App& app) {
  app.boot.selftest = {0, 0, -1};
  app.boot.need = {0, 0, 0};
  arena::Arm();
  ReportIdentity();
  app.boot.timer = CheckTimer();
  wire::Emit(app.boot.timer);
  if (BuildRuntime(app)) {
    static_cast<void>(RunGoldenVector(app));
  }
  ReportStack();
  log_lines::Flush();
  wire::Emit(wire::READY{app.boot.status});
}

}  // namespace ecg
