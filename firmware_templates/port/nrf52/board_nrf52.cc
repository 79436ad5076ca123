// Port to the nRF52840.

#include <cstdint>

#include "armv7m.h"
#include "console.h"
#include "ecg/board.h"
#include "ecg/wide_counter.h"
#include "nrf52840.h"
#include "stacks.h"

namespace ecg::board {
namespace {

using armv7m::Register;

bool counts_cycles = false;  // Else TIMER0.
WideCounter wide_counter;

// Without this, flashing the board again needs a mass erase.
void OpenDebugPort() {
  const bool is_locked_by_reset =
      Register(nrf52840::kFicrPart) == nrf52840::kFicrPartNrf52840 &&
      Register(nrf52840::kFicrRevision) >= nrf52840::kApprotectRevision;
  if (is_locked_by_reset) {
    Register(nrf52840::kApprotectDisable) = Register(nrf52840::kUicrApprotect);
  }
}

// The RC oscillator that runs after reset is too coarse for 115,200 baud.
void StartCrystal() {
  // It starts within a millisecond.
  constexpr std::uint32_t kPolls = 1'000'000;
  Register(nrf52840::kHfclkStarted) = 0;
  Register(nrf52840::kHfclkStart) = 1;
  for (std::uint32_t poll = 0;
       poll < kPolls && Register(nrf52840::kHfclkStarted) == 0;
       ++poll) {
  }
}

// False where the counter stands still, as in Renode without a DWT.
bool StartCycleCounter() {
  Register(armv7m::kDemcr) = Register(armv7m::kDemcr) | armv7m::kDemcrTrcena;
  Register(armv7m::kDwtCyccnt) = 0;
  Register(armv7m::kDwtCtrl) =
      Register(armv7m::kDwtCtrl) | armv7m::kDwtCyccntena;
  armv7m::Barrier();
  const std::uint32_t before = Register(armv7m::kDwtCyccnt);
  for (std::uint32_t turn = 0; turn < 1000; ++turn) {
    asm volatile("nop");
  }
  return Register(armv7m::kDwtCyccnt) != before;
}

void StartTimer() {
  Register(nrf52840::kTimerMode) = 0;
  Register(nrf52840::kTimerBitmode) = nrf52840::kTimerBitmode32;
  Register(nrf52840::kTimerPrescaler) = 0;
  Register(nrf52840::kTimerClear) = 1;
  Register(nrf52840::kTimerStart) = 1;
}

std::uint32_t Count() {
  if (counts_cycles) {
    return Register(armv7m::kDwtCyccnt);
  }
  Register(nrf52840::kTimerCapture0) = 1;
  return Register(nrf52840::kTimerCc0);
}

}  // namespace

void Init() {
  OpenDebugPort();
  StartCrystal();
  console::Init();
  counts_cycles = StartCycleCounter();
  if (!counts_cycles) {
    StartTimer();
  }
}

void PutChar(char c) { console::Put(c); }

int GetChar() {
  console::Flush();
  int byte = console::TryGet();
  while (byte < 0) {
    // Masked while looking, so that a byte that comes now still ends the wait;
    // its interrupt is taken when the mask is lifted.
    asm volatile("cpsid i" ::: "memory");
    if (console::IsEmpty()) {
      asm volatile("wfi" ::: "memory");
    }
    asm volatile("cpsie i\n\tisb" ::: "memory");
    byte = console::TryGet();
  }
  return byte;
}

// The cycle counter wraps after 67 s, the timer after 268 s; a wrap between two
// reads is seen, two are not.
std::uint64_t Ticks() { return wide_counter.Extend(Count()); }

std::uint64_t TickHz() {
  return counts_cycles ? nrf52840::kCoreHz : nrf52840::kTimerHz;
}

const char* TickSource() { return counts_cycles ? "dwt" : "timer0"; }

Span Stack() { return stacks::Application(); }

// There is nothing to return to; a debugger or reset ends the wait.
void Halt(int status) {
  static_cast<void>(status);
  console::Flush();
  asm volatile("cpsid i");
  for (;;) {
    asm volatile("wfi");
  }
}

}  // namespace ecg::board
