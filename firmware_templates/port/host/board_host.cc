// The board API on Linux: a process with one thread.
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "console.h"
#include "ecg/app.h"
#include "ecg/board.h"
#include "exit_status.h"
#include "faults.h"
#include "stack.h"

namespace ecg::board {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000U;

}  // namespace

// The console is open by now: opening it can fail, and this must not.
void Init() {}

std::uint64_t Ticks() {
  timespec now = {};
  static_cast<void>(clock_gettime(CLOCK_MONOTONIC, &now));
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t TickHz() { return kNanosecondsPerSecond; }

const char* TickSource() { return "steady_clock"; }

void Halt(int status) {
  host::FlushConsole();
  _exit(status);
}

}  // namespace ecg::board

int main(int argc, char** argv) {
  // A peer that has gone is an error of write(), not a signal.
  static_cast<void>(signal(SIGPIPE, SIG_IGN));
  if (!ecg::host::OpenConsole(argc, argv)) {
    return ecg::host::kExitUsage;
  }
  if (!ecg::host::CreateStack()) {
    return ecg::host::kExitNoMemory;
  }
  ecg::host::InstallFaultHandlers();
  ecg::host::RunOnStack(ecg::RunApplication);
}
