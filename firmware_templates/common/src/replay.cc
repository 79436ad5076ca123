#include "ecg/replay.h"

#include "ecg/board.h"
#include "ecg/frontend.h"
#include "ecg/inference.h"
#include "ecg/progress.h"

namespace ecg::replay {
namespace {

constexpr char kDone[] = "ok";
constexpr char kFailed[] = "failed";
constexpr char kBadArgument[] = "bad_argument";

struct Progress {
  bool is_started;
  bool invokes;
  std::uint32_t windows;
  std::uint64_t ticks;
};
Progress progress_so_far;

std::uint32_t LittleEndian(const std::uint8_t* from, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes; i > 0; --i) {
    value = value << 8 | from[i - 1];
  }
  return value;
}

void EmitInput(std::uint32_t beat, std::uint32_t index, ConstSpan input) {
  for (std::size_t at = 0; at < input.bytes; at += wire::kChunkBytes) {
    const std::size_t left = input.bytes - at;
    const std::size_t bytes =
        left < wire::kChunkBytes ? left : wire::kChunkBytes;
    wire::Emit(wire::INPUT{beat,
                           index,
                           wire::U32(at),
                           wire::U32(input.bytes),
                           {input.data + at, bytes}});
  }
}

bool Infer(App& app) {
  progress::Enter("invoke");
  app.trace.Start(false);
  std::uint64_t ticks = 0;
  if (app.runner.Run(&ticks) != inference::Status::kOk) {
    wire::Emit(wire::ERROR{"invoke", "runtime", progress::Operator()});
    return false;
  }
  for (std::size_t i = 0; i < inference::OutputCount(); ++i) {
    EmitOutput(i);
  }
  return true;
}

// Takes samples, and sends each window that they complete; the clock stands
// while lines are sent. With is_end the last windows are sent too.
const char* Advance(App& app, ConstSpan samples, bool is_end) {
  std::uint64_t start = board::Ticks();
  for (std::size_t i = 0; i < samples.bytes || is_end; i += 2) {
    if (i < samples.bytes) {
      frontend::PushSample(static_cast<std::int16_t>(
          static_cast<std::uint16_t>(LittleEndian(samples.data + i, 2))));
    }
    std::uint32_t beat = 0;
    while (frontend::NextBeat(app.runner, is_end, &beat)) {
      progress_so_far.ticks += board::Ticks() - start;
      ++progress_so_far.windows;
      for (std::size_t k = 0; k < inference::InputCount(); ++k) {
        EmitInput(beat, wire::U32(k), app.runner.Input(k));
      }
      if (progress_so_far.invokes && !Infer(app)) {
        return kFailed;
      }
      start = board::Ticks();
    }
    if (is_end) {
      break;
    }
  }
  progress_so_far.ticks += board::Ticks() - start;
  return kDone;
}

}  // namespace

const char* Start(App& app, const wire::REPLAY& command) {
  if (!frontend::Exists() || !app.runner.is_built()) {
    wire::Emit(wire::ERROR{"replay",
                           frontend::Exists()
                               ? "no runtime"
                               : "the model carries no preprocessing",
                           0});
    return kFailed;
  }
  frontend::Reset();
  progress_so_far = {true, command.invoke != 0, 0, 0};
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < inference::InputCount(); ++i) {
    bytes += inference::Input(i).data.bytes;
  }
  wire::Emit(wire::PREPROCESS{frontend::SpecSha256(),
                              frontend::Trigger(),
                              wire::U32(inference::InputCount()),
                              wire::U32(bytes)});
  return kDone;
}

const char* TakeBeats(const wire::BEATS& command) {
  if (!progress_so_far.is_started || command.data.bytes % 4 != 0) {
    return kBadArgument;
  }
  for (std::size_t i = 0; i < command.data.bytes; i += 4) {
    if (!frontend::AnnounceBeat(LittleEndian(command.data.data + i, 4))) {
      return kBadArgument;
    }
  }
  return kDone;
}

const char* TakeSamples(App& app, const wire::SAMPLES& command) {
  // A repeated line would shift the rest of the recording.
  if (!progress_so_far.is_started || command.data.bytes % 2 != 0 ||
      command.at != frontend::SampleCount()) {
    return kBadArgument;
  }
  progress::Enter("preprocess");
  return Advance(app, command.data, false);
}

const char* Finish(App& app) {
  if (!progress_so_far.is_started) {
    return kBadArgument;
  }
  progress::Enter("preprocess");
  const char* const answer = Advance(app, {}, true);
  wire::Emit(wire::REPLAYED{frontend::SampleCount(),
                            progress_so_far.windows,
                            frontend::LostCount(),
                            progress_so_far.ticks});
  progress_so_far.is_started = false;
  return answer;
}

}  // namespace ecg::replay
