// Every exception that should not happen: reads the registers and reports them.
#include <cstdint>

#include "ecg/fault.h"
#include "registers.h"
#include "stack.h"

namespace ecg {
namespace {

// What the CPU stacks on exception entry.
struct ExceptionFrame {
  std::uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

// By exception number, which is what IPSR holds.
constexpr const char* kKinds[16] = {"none",
                                    "Reset",
                                    "NMI",
                                    "HardFault",
                                    "MemManage",
                                    "BusFault",
                                    "UsageFault",
                                    "SecureFault",
                                    "reserved",
                                    "reserved",
                                    "reserved",
                                    "SVCall",
                                    "DebugMonitor",
                                    "reserved",
                                    "PendSV",
                                    "SysTick"};

// An undefined instruction of this number stands where code gives up.
constexpr std::uint16_t kAbortTrap = 0xDE00 | 0xAB;

const char* Kind(std::uint32_t cfsr, std::uint32_t pc) {
  if ((cfsr & reg::kCfsrStackOverflow) != 0) {
    return "StackOverflow";
  }
  if ((cfsr & reg::kCfsrUndefinedInstruction) != 0 &&
      *reinterpret_cast<const std::uint16_t*>(pc) == kAbortTrap) {
    return "Abort";
  }
  std::uint32_t exception = 0;
  asm volatile("mrs %0, ipsr" : "=r"(exception));
  return exception < 16 ? kKinds[exception] : "Interrupt";
}

// The frame is there only if the stack had room for it.
bool IsWholeFrame(std::uintptr_t sp) {
  const auto low = reinterpret_cast<std::uintptr_t>(application_stack);
  return sp > low && sp + sizeof(ExceptionFrame) <= low + kStackBytes;
}

}  // namespace
}  // namespace ecg

extern "C" {

// The application's stack pointer is all that the handler needs to be told.
[[gnu::naked]] void FaultEntry() {
  asm volatile(
      "mrs r0, psp\n"
      "b HandleFault\n");
}

[[gnu::used]] void HandleFault(std::uint32_t sp) {
  using ecg::ExceptionFrame;
  const std::uint32_t cfsr = ecg::reg::At(ecg::reg::kCfsr);
  ExceptionFrame frame{};
  if (ecg::IsWholeFrame(sp)) {
    frame = *reinterpret_cast<const ExceptionFrame*>(sp);
  }
  ecg::ReportFault({ecg::Kind(cfsr, frame.pc),
                    "",
                    -1,
                    frame.pc,
                    frame.lr,
                    sp,
                    frame.psr,
                    cfsr,
                    ecg::reg::At(ecg::reg::kHfsr),
                    ecg::reg::At(ecg::reg::kMmfar),
                    ecg::reg::At(ecg::reg::kBfar),
                    frame.r0,
                    frame.r1,
                    frame.r2,
                    frame.r3,
                    frame.r12});
}

}  // extern "C"
