// Port to QEMU's mps2-an386 (Cortex-M4F): the twin that nRF52840 firmware runs
// on where there is no board. Memory is limited to the nRF52840's by link.ld.

#include <cstdint>

#include "armv7m.h"
#include "ecg/board.h"
#include "ecg/wide_counter.h"
#include "mps2.h"
#include "semihosting.h"
#include "stacks.h"

namespace ecg::board {
namespace {

using armv7m::Register;

WideCounter wide_counter;

}  // namespace

void Init() {
  Register(mps2::kUartBaudDivider) = mps2::kUartSmallestDivider;
  Register(mps2::kUartControl) = mps2::kUartReceiverOn | mps2::kUartSenderOn |
                                 mps2::kUartReceiverInterrupt;
  Register(armv7m::kNvicIser0) = 1U << mps2::kUartInterrupt;
  Register(mps2::kTimerReload) = UINT32_MAX;
  Register(mps2::kTimerValue) = UINT32_MAX;
  Register(mps2::kTimerControl) = mps2::kTimerOn;
}

void PutChar(char c) {
  while ((Register(mps2::kUartState) & mps2::kUartSenderFull) != 0) {
  }
  Register(mps2::kUartData) = static_cast<std::uint8_t>(c);
}

int GetChar() {
  // Masked while looking, so that a byte that comes now still ends the wait.
  asm volatile("cpsid i" ::: "memory");
  while ((Register(mps2::kUartState) & mps2::kUartReceiverFull) == 0) {
    asm volatile("wfi" ::: "memory");
  }
  const std::uint32_t byte = Register(mps2::kUartData) & 0xFFU;
  asm volatile("cpsie i" ::: "memory");
  return static_cast<int>(byte);
}

// The timer counts down. It wraps after 171 s of virtual time; a wrap between
// two reads is seen, two are not.
std::uint64_t Ticks() {
  return wide_counter.Extend(UINT32_MAX - Register(mps2::kTimerValue));
}

std::uint64_t TickHz() { return mps2::kTimerHz; }

const char* TickSource() { return "cmsdk_timer0"; }

Span Stack() { return stacks::Application(); }

void Halt(int status) { semihosting::Exit(status); }

}  // namespace ecg::board

// The interrupt only ends a wait; GetChar() takes the byte.
extern "C" void Console_Handler() {
  using ecg::armv7m::Register;
  Register(ecg::mps2::kUartInterruptStatus) = ecg::mps2::kUartReceiverStatus;
  ecg::armv7m::Barrier();
}
