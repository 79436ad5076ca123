#include "ecg/bench.h"

#include "ecg/arena.h"
#include "ecg/progress.h"

namespace ecg {
namespace {

// Runs timed before results are sent: sending one at a time would leave the
// caches in another state than running does.
constexpr std::uint32_t kBlockRuns = 256;

std::uint64_t block_ticks[kBlockRuns];

bool Failed(const char* detail, std::uint32_t run) {
  wire::Emit(wire::ERROR{"bench", detail, static_cast<std::int32_t>(run)});
  return false;
}

bool RunBlock(ModelRunner& runner, std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (runner.Run(&block_ticks[i]) != inference::Status::kOk) {
      return Failed("invoke", first + i);
    }
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    wire::Emit(wire::LATENCY{"invoke", first + i, block_ticks[i]});
  }
  return true;
}

bool RunTimed(ModelRunner& runner, const wire::BENCH& command) {
  std::uint64_t ignored = 0;
  for (std::uint32_t i = 0; i < command.warmup; ++i) {
    if (runner.Run(&ignored) != inference::Status::kOk) {
      return Failed("warmup", i);
    }
  }
  std::uint32_t done = 0;
  while (done < command.runs) {
    const std::uint32_t left = command.runs - done;
    const std::uint32_t count = left < kBlockRuns ? left : kBlockRuns;
    if (!RunBlock(runner, done, count)) {
      return false;
    }
    done += count;
  }
  return true;
}

// One inference first, so that the traced one is no cold start.
bool RunTraced(App& app) {
  std::uint64_t ignored = 0;
  app.trace.Start(false);
  if (app.runner.Run(&ignored) != inference::Status::kOk) {
    return Failed("profile", 0);
  }
  app.trace.Start(true);
  if (app.runner.Run(&ignored) != inference::Status::kOk) {
    return Failed("profile", 1);
  }
  for (std::size_t i = 0; i < app.trace.size(); ++i) {
    const OpTrace::Event& event = app.trace[i];
    wire::Emit(wire::OP{wire::U32(i), event.op, event.ticks});
  }
  return app.trace.dropped() == 0 ||
         Failed("more operators than kMaxOps", wire::U32(app.trace.dropped()));
}

}  // namespace

bool RunBench(App& app, const wire::BENCH& command) {
  const std::size_t arena_bytes = arena::Memory().bytes;
  progress::Enter("bench");
  bool ok = app.runner.Build(arena_bytes, nullptr) == inference::Status::kOk &&
            RunTimed(app.runner, command);
  progress::Enter("profile");
  const bool restored =
      app.runner.Build(arena_bytes, &app.trace) == inference::Status::kOk;
  if (ok && restored && command.profile != 0) {
    ok = RunTraced(app);
  }
  return ok && restored;
}

}  // namespace ecg
