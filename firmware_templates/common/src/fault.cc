#include "ecg/fault.h"

#include "ecg/board.h"
#include "ecg/log_lines.h"
#include "ecg/progress.h"

namespace ecg {
namespace {

constexpr int kFaultStatus = 3;

bool is_reporting = false;

}  // namespace

void ReportFault(wire::FAULT fault) {
  if (is_reporting) {  // A fault inside this very function: say no more.
    board::Halt(kFaultStatus);
  }
  is_reporting = true;
  wire::AbandonLine();
  log_lines::Flush();
  fault.phase = progress::Phase();
  fault.op = progress::Operator();
  wire::Emit(fault);
  board::Halt(kFaultStatus);
}

}  // namespace ecg
