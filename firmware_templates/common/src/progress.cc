#include "ecg/progress.h"

#include "ecg/wire.h"

namespace ecg::progress {
namespace {

const char* current_phase = "reset";
std::int32_t current_operator = -1;

}  // namespace

void Enter(const char* phase) {
  current_phase = phase;
  current_operator = -1;
  wire::Emit(wire::PHASE{phase});
}

const char* Phase() { return current_phase; }

void SetOperator(std::int32_t index) { current_operator = index; }

std::int32_t Operator() { return current_operator; }

}  // namespace ecg::progress
