// The commands of wire_records.def. Each Do() sends its records and returns the
// word for DONE.
#include <cstring>

#include "app_config.h"
#include "ecg/app.h"
#include "ecg/arena.h"
#include "ecg/bench.h"
#include "ecg/paint.h"
#include "ecg/progress.h"
#include "ecg/replay.h"
#include "test_vector.h"

namespace ecg {
namespace {

constexpr char kDone[] = "ok";
constexpr char kFailed[] = "failed";
constexpr char kBadArgument[] = "bad_argument";

constexpr std::size_t kArenaStep = 16;

const char* Do(App& app, const wire::HELLO&) {
  ReportIdentity();
  wire::Emit(app.boot.timer);
  if (app.runner.is_built()) {
    ReportTensors();
  }
  ReportArena();
  if (app.boot.need.high > 0) {
    wire::Emit(app.boot.need);
  }
  ReportStack();
  wire::Emit(app.boot.selftest);
  wire::Emit(wire::READY{app.boot.status});
  return kDone;
}

const char* Do(App& app, const wire::WRITE& command) {
  return app.runner.WriteInput(command.input, command.offset, command.data)
             ? kDone
             : kBadArgument;
}

const char* Do(App& app, const wire::INVOKE&) {
  progress::Enter("invoke");
  app.trace.Start(false);
  std::uint64_t ticks = 0;
  if (app.runner.Run(&ticks) == inference::Status::kOk) {
    return kDone;
  }
  wire::Emit(wire::ERROR{"invoke", "runtime", progress::Operator()});
  return kFailed;
}

const char* Do(App& app, const wire::RESET&) {
  const inference::Status status =
      app.runner.Build(arena::Memory().bytes, &app.trace);
  return status == inference::Status::kOk ? kDone : kFailed;
}

const char* Do(App& app, const wire::READ& command) {
  if (!app.runner.is_built()) {
    return kFailed;
  }
  if (command.output >= inference::OutputCount()) {
    return kBadArgument;
  }
  EmitOutput(command.output);
  return kDone;
}

const char* Do(App& app, const wire::BENCH& command) {
  return RunBench(app, command) ? kDone : kFailed;
}

// The word for PROBED after building and running in arena_bytes.
const char* Probe(App& app, std::size_t arena_bytes, std::uint32_t* used) {
  const Span memory = arena::Memory();
  const inference::Status built = app.runner.Build(arena_bytes, &app.trace);
  *used = wire::U32(inference::ArenaUsedBytes());
  inference::Status ran = inference::Status::kOk;
  if (built == inference::Status::kOk) {
    app.runner.UseGoldenInputs();
    std::uint64_t ticks = 0;
    ran = app.runner.Run(&ticks);
  }
  const ConstSpan behind = {memory.data + arena_bytes,
                            memory.bytes - arena_bytes};
  if (paint::TouchedBytes(behind) > 0) {
    return "overrun";
  }
  if (built != inference::Status::kOk) {
    return "allocate_failed";
  }
  if (ran != inference::Status::kOk) {
    return "invoke_failed";
  }
  const wire::SELFTEST compared = app.runner.CompareWithGolden();
  return compared.bytes > 0 && compared.equal == 0 ? "mismatch" : "ok";
}

const char* Do(App& app, const wire::PROBE& command) {
  if (command.arena > arena::Memory().bytes ||
      command.arena % kArenaStep != 0) {
    return kBadArgument;
  }
  progress::Enter("probe");
  std::uint32_t used = 0;
  const char* const result = Probe(app, command.arena, &used);
  wire::Emit(wire::PROBED{command.arena, result, used});
  progress::Enter("restore");
  const inference::Status restored =
      app.runner.Build(arena::Memory().bytes, &app.trace);
  return restored == inference::Status::kOk ? kDone : kFailed;
}

const char* Do(App& app, const wire::REPLAY& command) {
  return replay::Start(app, command);
}

const char* Do(App&, const wire::BEATS& command) {
  return replay::TakeBeats(command);
}

const char* Do(App& app, const wire::SAMPLES& command) {
  return replay::TakeSamples(app, command);
}

const char* Do(App& app, const wire::FINISH&) { return replay::Finish(app); }

// Grows the stack until something stops it. volatile and the use after the call
// keep the compiler from turning it into a loop.
std::uint32_t OverflowStack(std::uint32_t depth) {
  volatile std::uint8_t block[256];
  block[depth % sizeof(block)] = static_cast<std::uint8_t>(depth);
  const std::uint32_t below = depth == 0 ? 0 : OverflowStack(depth - 1);
  return below + block[0];
}

const char* Do(App&, const wire::INJECT& command) {
  if (!kAllowFaultInjection) {
    return kFailed;
  }
  progress::Enter("inject");
  if (std::strcmp(command.kind, "fault") == 0) {
    __builtin_trap();
  }
  if (std::strcmp(command.kind, "stack") == 0) {
    constexpr std::uint32_t kDeepEnough = 1U << 20;
    return OverflowStack(kDeepEnough) == 0 ? kDone : kFailed;
  }
  if (std::strcmp(command.kind, "hang") == 0) {
    for (volatile bool forever = true; forever;) {
    }
  }
  return kBadArgument;
}

// RunApplication() ends the program after DONE.
const char* Do(App&, const wire::QUIT&) { return kDone; }

}  // namespace

void EmitOutput(std::size_t index) {
  const Span output = inference::Output(index).data;
  for (std::size_t at = 0; at < output.bytes; at += wire::kChunkBytes) {
    const std::size_t left = output.bytes - at;
    const std::size_t bytes =
        left < wire::kChunkBytes ? left : wire::kChunkBytes;
    wire::Emit(wire::OUTPUT{wire::U32(index),
                            wire::U32(at),
                            wire::U32(output.bytes),
                            {output.data + at, bytes}});
  }
}

const char* Execute(App& app, const wire::Command& command) {
  switch (command.id) {
#define ECG_RECORD_BEGIN(NAME)
#define ECG_RECORD_END(NAME)
#define ECG_COMMAND_BEGIN(NAME)  \
  case wire::CommandId::k##NAME: \
    return Do(app, command.as.NAME##_);
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name)
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"
  }
  return kFailed;
}

}  // namespace ecg
