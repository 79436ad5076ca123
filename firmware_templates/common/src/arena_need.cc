#include "ecg/arena_need.h"

#include "ecg/arena.h"
#include "ecg/log_lines.h"
#include "ecg/paint.h"

namespace ecg {
namespace {

// TFLM aligns to 16 bytes: no other sizes make a difference.
constexpr std::size_t kStep = 16;
constexpr std::size_t kGrowth = 4;

constexpr std::size_t RoundUp(std::size_t bytes) {
  return (bytes + kStep - 1) / kStep * kStep;
}

// low is the smallest size not ruled out, high the smallest that ran.
class Search {
 public:
  Search(ModelRunner& runner, OpTrace* trace)
      : runner_(runner),
        trace_(trace),
        low_(RoundUp(inference::ArenaUsedBytes())),
        high_(arena::Memory().bytes) {
    low_ = low_ < high_ ? low_ : high_;
  }

  std::uint32_t trials() const { return trials_; }

  wire::NEED Result() const {
    return {wire::U32(low_), wire::U32(high_), trials_};
  }

  // The likely answer first, then in growing steps, then between.
  void Run() {
    const std::size_t floor = RoundUp(arena::SearchFloor());
    const std::size_t start = floor > low_ ? floor : low_;
    if (start >= high_ || Try(start)) {
      return;
    }
    for (std::size_t step = kStep; low_ + step < high_; step *= kGrowth) {
      if (Try(low_ + step)) {
        break;
      }
    }
    while (low_ < high_) {
      Try(low_ + (high_ - low_) / (2 * kStep) * kStep);
    }
  }

 private:
  bool Try(std::size_t size) {
    ++trials_;
    log_lines::Mute(true);
    const bool ran = Runs(size);
    log_lines::Mute(false);
    if (ran) {
      high_ = size;
    } else {
      low_ = size + kStep;
    }
    return ran;
  }

  bool Runs(std::size_t size) {
    if (runner_.Build(size, trace_) != inference::Status::kOk) {
      return false;
    }
    runner_.UseGoldenInputs();
    std::uint64_t ticks = 0;
    if (runner_.Run(&ticks) != inference::Status::kOk) {
      return false;
    }
    const Span all = arena::Memory();
    return paint::TouchedBytes({all.data + size, all.bytes - size}) == 0;
  }

  ModelRunner& runner_;
  OpTrace* trace_;
  std::size_t low_;
  std::size_t high_;
  std::uint32_t trials_ = 0;
};

}  // namespace

wire::NEED FindArenaNeed(ModelRunner& runner, OpTrace* trace) {
  Search search(runner, trace);
  search.Run();
  if (search.trials() > 0 &&
      runner.Build(arena::Memory().bytes, trace) == inference::Status::kOk) {
    runner.UseGoldenInputs();
    std::uint64_t ticks = 0;
    static_cast<void>(runner.Run(&ticks));
  }
  return search.Result();
}

}  // namespace ecg
