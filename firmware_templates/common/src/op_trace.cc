#include "ecg/op_trace.h"

#include "ecg/board.h"
#include "ecg/progress.h"

namespace ecg {
namespace {

constexpr std::uint32_t kNested = 0xFFFFFFFFU;

}  // namespace

void OpTrace::Start(bool recording) {
  next_ = 0;
  depth_ = 0;
  recording_ = recording;
  progress::SetOperator(-1);
}

std::uint32_t OpTrace::Begin(const char* op) {
  if (depth_++ > 0) {
    return kNested;
  }
  const std::uint32_t index = next_++;
  progress::SetOperator(static_cast<std::int32_t>(index));
  if (recording_ && index < kMaxOps) {
    events_[index].op = op;
    events_[index].ticks = board::Ticks();  // The start, until End().
  }
  return index;
}

void OpTrace::End(std::uint32_t handle) {
  --depth_;
  if (handle == kNested) {
    return;
  }
  if (recording_ && handle < kMaxOps) {
    events_[handle].ticks = board::Ticks() - events_[handle].ticks;
  }
  progress::SetOperator(-1);
}

std::size_t OpTrace::size() const { return recording_ ? next_ - dropped() : 0; }

std::size_t OpTrace::dropped() const {
  return next_ > kMaxOps ? next_ - kMaxOps : 0;
}

}  // namespace ecg
