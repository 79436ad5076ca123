// Fault handlers: read what the core says and report it.

#include "faults.h"

#include <cstddef>
#include <cstdint>

#include "armv7m.h"
#include "ecg/fault.h"
#include "ecg/wire.h"
#include "stacks.h"

extern "C" {
extern const std::uint8_t ecg_ram_end[];  // Set by link.ld.
}

namespace {

using ecg::armv7m::Register;

// What the core stores on the stack when an exception is taken.
struct Frame {
  std::uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

const char* Kind(std::uint32_t exception,
                 std::uint32_t cfsr,
                 const Frame* frame) {
  const bool is_stack_lost =
      (cfsr & (ecg::armv7m::kCfsrMstkerr | ecg::armv7m::kCfsrStkerr)) != 0;
  const bool is_guard_hit =
      (cfsr & ecg::armv7m::kCfsrMmarvalid) != 0 &&
      ecg::stacks::IsBelowApplication(Register(ecg::armv7m::kMmfar));
  if (is_guard_hit || (is_stack_lost && frame == nullptr)) {
    return "StackOverflow";
  }
  switch (exception) {
    case 2:
      return "NMI";
    case 3:
      return "HardFault";
    case 4:
      return "MemManage";
    case 5:
      return "BusFault";
    case 6:
      return "UsageFault";
    default:
      return "Interrupt";  // None is enabled that has no handler.
  }
}

// The frame, or null if it could not be stored: then nothing must be read
// there.
const Frame* ReadableFrame(std::uint32_t address, std::uint32_t cfsr) {
  const std::uint32_t ram_end =
      static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(ecg_ram_end));
  const bool was_stored =
      (cfsr & (ecg::armv7m::kCfsrMstkerr | ecg::armv7m::kCfsrStkerr)) == 0;
  const bool is_in_ram = !ecg::stacks::IsBelowApplication(address) &&
                         address <= ram_end - sizeof(Frame) &&
                         address % alignof(Frame) == 0;
  return was_stored && is_in_ram ? reinterpret_cast<const Frame*>(address)
                                 : nullptr;
}

std::uint32_t ExceptionNumber() {
  std::uint32_t ipsr = 0;
  asm volatile("mrs %0, ipsr" : "=r"(ipsr));
  return ipsr & 0x1FFU;
}

}  // namespace

extern "C" {

__attribute__((used, noreturn)) void EcgFault(std::uint32_t frame_address) {
  const std::uint32_t cfsr = Register(ecg::armv7m::kCfsr);
  const Frame* stored = ReadableFrame(frame_address, cfsr);
  const Frame frame = stored != nullptr ? *stored : Frame{};
  ecg::wire::FAULT fault = {};
  fault.kind = Kind(ExceptionNumber(), cfsr, stored);
  fault.op = -1;
  fault.pc = frame.pc;
  fault.lr = frame.lr;
  fault.sp = frame_address;
  fault.psr = frame.psr;
  fault.cfsr = cfsr;
  fault.hfsr = Register(ecg::armv7m::kHfsr);
  fault.mmfar = Register(ecg::armv7m::kMmfar);
  fault.bfar = Register(ecg::armv7m::kBfar);
  fault.r0 = frame.r0;
  fault.r1 = frame.r1;
  fault.r2 = frame.r2;
  fault.r3 = frame.r3;
  fault.r12 = frame.r12;
  fault.phase = "";
  ecg::ReportFault(fault);
}

// Finds the stack that was in use when the exception came.
__attribute__((naked)) void Fault_Handler() {
  asm volatile(
      "tst lr, #4\n\t"
      "ite eq\n\t"
      "mrseq r0, msp\n\t"
      "mrsne r0, psp\n\t"
      "b EcgFault\n\t");
}
}
