// The record has the names of Arm's registers; here they hold, each cut to its
// low 32 bits:
//   pc, sp        program counter and stack pointer of this machine
//   lr            the frame pointer (rbp)
//   psr           the flags
//   cfsr          the bits that mean on Arm what has happened here
//   mmfar, bfar   low and high half of the address that was accessed
//   r0 to r3      the first integer arguments of a function: rdi rsi rdx rcx
//   r12           rax
// The program itself and its stack lie below 4 GiB, so their addresses are
// whole. A pc in a shared library is told as an offset in a LOG record before
// FAULT.
#include "faults.h"

#include <dlfcn.h>
#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>

#include "ecg/fault.h"
#include "ecg/log_lines.h"
#include "ecg/wire.h"
#include "stack.h"

namespace ecg::host {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

constexpr std::size_t kHandlerStackBytes = std::size_t{1} << 16;
alignas(16) std::uint8_t handler_stack[kHandlerStackBytes];

// Bits of Arm's Configurable Fault Status Register.
constexpr std::uint32_t kDataAccess = (1U << 1) | (1U << 7);
constexpr std::uint32_t kStackOverflow = (1U << 20) | (1U << 7);
constexpr std::uint32_t kBusError = (1U << 9) | (1U << 15);
constexpr std::uint32_t kUndefinedInstruction = 1U << 16;
constexpr std::uint32_t kDivisionByZero = 1U << 25;

struct Meaning {
  const char* kind;
  std::uint32_t cfsr;
};

Meaning MeaningOf(const siginfo_t& info) {
  switch (info.si_signo) {
    case SIGSEGV:
      if (IsBelowStack(reinterpret_cast<std::uintptr_t>(info.si_addr))) {
        return {"StackOverflow", kStackOverflow};
      }
      return {"SIGSEGV", kDataAccess};
    case SIGBUS:
      return {"SIGBUS", kBusError};
    case SIGILL:
      return {"SIGILL", kUndefinedInstruction};
    case SIGFPE:
      return {"SIGFPE", info.si_code == FPE_INTDIV ? kDivisionByZero : 0};
    case SIGABRT:
      return {"SIGABRT", 0};
    default:
      return {"SIGTRAP", 0};
  }
}

std::uint32_t Low(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

std::uint32_t Low(greg_t value) {
  return Low(static_cast<std::uint64_t>(value));
}

// A shared library is loaded anywhere: only its offset can be looked up later.
void LogPlace(std::uintptr_t pc) {
  Dl_info place = {};
  if (pc <= 0xFFFFFFFFU || dladdr(reinterpret_cast<void*>(pc), &place) == 0) {
    return;
  }
  char text[256];
  std::snprintf(text,
                sizeof(text),
                "fault at %s+0x%llx %s\n",
                place.dli_fname,
                static_cast<unsigned long long>(
                    pc - reinterpret_cast<std::uintptr_t>(place.dli_fbase)),
                place.dli_sname == nullptr ? "" : place.dli_sname);
  log_lines::Write(text);
}

// Runs on its own stack, because the fault may be an overflow of the other one.
void OnFault(int signal_number, siginfo_t* info, void* context) {
  const auto& registers =
      static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const bool has_address = signal_number != SIGABRT;
  wire::AbandonLine();
  LogPlace(static_cast<std::uintptr_t>(registers[REG_RIP]));
  wire::FAULT fault = {};
  const Meaning meaning = MeaningOf(*info);
  fault.kind = meaning.kind;
  fault.phase = "";
  fault.op = -1;
  fault.pc = Low(registers[REG_RIP]);
  fault.lr = Low(registers[REG_RBP]);
  fault.sp = Low(registers[REG_RSP]);
  fault.psr = Low(registers[REG_EFL]);
  fault.cfsr = meaning.cfsr;
  fault.mmfar = has_address ? Low(std::uint64_t{address}) : 0;
  fault.bfar = has_address ? Low(std::uint64_t{address} >> 32) : 0;
  fault.r0 = Low(registers[REG_RDI]);
  fault.r1 = Low(registers[REG_RSI]);
  fault.r2 = Low(registers[REG_RDX]);
  fault.r3 = Low(registers[REG_RCX]);
  fault.r12 = Low(registers[REG_RAX]);
  ReportFault(fault);
}

}  // namespace

void InstallFaultHandlers() {
  stack_t stack = {};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof(handler_stack);
  static_cast<void>(sigaltstack(&stack, nullptr));
  for (const int signal_number : kSignals) {
    struct sigaction action = {};
    action.sa_sigaction = OnFault;
    // Not masked while handled: ReportFault() itself ends a fault in a fault.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    static_cast<void>(sigaction(signal_number, &action, nullptr));
  }
}

}  // namespace ecg::host
