// Console, counter and exit of Corstone-300.
//
// QEMU runs this machine with -icount shift=S: every instruction takes 2^S ns
// of virtual time, and the system counter counts 32 MHz of it. One instruction
// is then exactly 2^S * 0.032 ticks; with shift=10 that is 32.768 = 4096/125.
#include "app_config.h"
#include "ecg/board.h"
#include "registers.h"
#include "stack.h"

namespace ecg::board {
namespace {

constexpr std::uint32_t kUartClockHz = 25'000'000;
constexpr std::uint32_t kBaud = 115'200;
constexpr std::uint64_t kCounterHz = 32'000'000;

constexpr std::uintptr_t kUartWord = reg::kUartInterruptNumber / 32 * 4;
constexpr std::uint32_t kUartBit = 1U << (reg::kUartInterruptNumber % 32);

// Semihosting: SYS_EXIT with these reasons.
constexpr std::uint32_t kSysExit = 0x18;
constexpr std::uint32_t kApplicationExit = 0x20026;
constexpr std::uint32_t kRunTimeError = 0x20023;

}  // namespace

void Init() {
  reg::At(reg::kUartBaudDivider) = kUartClockHz / kBaud;
  reg::At(reg::kUartControl) = reg::kUartTransmitEnable |
                               reg::kUartReceiveEnable |
                               reg::kUartReceiveInterrupt;
  reg::At(reg::kCounterControl) = reg::kCounterEnable;
}

void PutChar(char c) {
  while ((reg::At(reg::kUartState) & reg::kUartTransmitFull) != 0) {
  }
  reg::At(reg::kUartData) = static_cast<std::uint8_t>(c);
}

// Sleeps between characters, so that a waiting emulator takes no host CPU. The
// interrupt only ends the sleep: it is masked, and pending from before the look
// at the receiver, so no character is missed.
int GetChar() {
  asm volatile("cpsid i" ::: "memory");
  reg::At(reg::kNvicEnable + kUartWord) = kUartBit;
  for (;;) {
    reg::At(reg::kUartInterruptClear) = reg::kUartReceiveFull;
    reg::At(reg::kNvicClearPending + kUartWord) = kUartBit;
    if ((reg::At(reg::kUartState) & reg::kUartReceiveFull) != 0) {
      break;
    }
    asm volatile("dsb\n wfi" ::: "memory");
  }
  reg::At(reg::kNvicDisable + kUartWord) = kUartBit;
  const std::uint32_t c = reg::At(reg::kUartData);
  asm volatile("dsb\n cpsie i" ::: "memory");
  return static_cast<int>(c & 0xFFU);
}

std::uint64_t Ticks() {
  for (;;) {
    const std::uint32_t high = reg::At(reg::kCountHigh);
    const std::uint32_t low = reg::At(reg::kCountLow);
    if (reg::At(reg::kCountHigh) == high) {
      return (std::uint64_t{high} << 32) | low;
    }
  }
}

std::uint64_t TickHz() { return kCounterHz; }

const char* TickSource() { return "systimer"; }

Span Stack() { return {application_stack, kStackBytes}; }

void Halt(int status) {
  const std::uint32_t reason = status == 0 ? kApplicationExit : kRunTimeError;
  register std::uint32_t r0 asm("r0") = kSysExit;
  register std::uint32_t r1 asm("r1") = reason;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  for (;;) {
  }
}

}  // namespace ecg::board
