// From reset to the application.
//
// Handlers run on the main stack, the application on the process stack: so a
// stack overflow of the application still leaves a stack to report it from.

#include <cstddef>
#include <cstdint>

#include "app_config.h"
#include "armv7m.h"
#include "ecg/app.h"
#include "ecg/paint.h"
#include "stacks.h"

extern "C" {
// Set by link.ld.
extern std::uint32_t ecg_data_start[];
extern std::uint32_t ecg_data_end[];
extern const std::uint32_t ecg_data_load[];
extern std::uint32_t ecg_bss_start[];
extern std::uint32_t ecg_bss_end[];
using Constructor = void (*)();
extern const Constructor ecg_constructors_start[];
extern const Constructor ecg_constructors_end[];
extern const std::uint32_t ecg_vectors[];

void Reset_Handler();
}

namespace ecg::stacks {
namespace {

constexpr std::size_t kBytes = kGuardBytes + kStackBytes;

// The section is first in RAM and is not cleared. The MPU wants the guard
// aligned to its size.
alignas(kGuardBytes)
    __attribute__((section(".application_stack"))) std::uint8_t memory[kBytes];

std::uint32_t Address(const void* pointer) {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(pointer));
}

}  // namespace

Span Application() { return {memory + kGuardBytes, kStackBytes}; }

bool IsBelowApplication(std::uint32_t address) {
  return address < Address(memory) + kGuardBytes;
}

}  // namespace ecg::stacks

namespace {

using ecg::armv7m::Register;

void InitializeMemory() {
  const std::uint32_t* from = ecg_data_load;
  for (std::uint32_t* to = ecg_data_start; to != ecg_data_end; ++to, ++from) {
    *to = *from;
  }
  for (std::uint32_t* to = ecg_bss_start; to != ecg_bss_end; ++to) {
    *to = 0;
  }
}

void GuardStack(std::uint32_t bottom) {
  constexpr std::uint32_t kRegionCountMask = 0xFFU << 8U;
  if ((Register(ecg::armv7m::kMpuType) & kRegionCountMask) == 0) {
    return;  // No MPU: the paint still shows how deep the stack went.
  }
  constexpr std::uint32_t kUseRegionField = 1U << 4U;
  constexpr std::uint32_t kExecuteNever = 1U << 28U;  // Access field 0: none.
  constexpr std::uint32_t kSize256 = 7U << 1U;        // 2^(7+1) bytes.
  constexpr std::uint32_t kEnable = 1U;
  constexpr std::uint32_t kDefaultMap = 1U << 2U;  // All else as without MPU.
  static_assert(ecg::stacks::kGuardBytes == 256, "kSize256 must follow");
  Register(ecg::armv7m::kMpuRbar) = bottom | kUseRegionField;
  Register(ecg::armv7m::kMpuRasr) = kExecuteNever | kSize256 | kEnable;
  Register(ecg::armv7m::kMpuCtrl) = kDefaultMap | kEnable;
  ecg::armv7m::Barrier();
}

}  // namespace

extern "C" {

// Runs on the handlers' stack; returns the top of the application's.
__attribute__((used)) std::uint32_t EcgPrepare() {
  InitializeMemory();
  Register(ecg::armv7m::kVtor) = ecg::stacks::Address(ecg_vectors);
  Register(ecg::armv7m::kShcsr) =
      Register(ecg::armv7m::kShcsr) | ecg::armv7m::kShcsrFaults;
  const ecg::Span stack = ecg::stacks::Application();
  ecg::paint::Fill(stack);
  GuardStack(ecg::stacks::Address(stack.data) - ecg::stacks::kGuardBytes);
  return ecg::stacks::Address(stack.data + stack.bytes);
}

// Runs on the application's stack.
__attribute__((used, noreturn)) void EcgRun() {
  for (const Constructor* next = ecg_constructors_start;
       next != ecg_constructors_end;
       ++next) {
    (*next)();
  }
  ecg::RunApplication();
}

// The FPU is switched on before any compiled code: the compiler may use its
// registers anywhere.
__attribute__((naked)) void Reset_Handler() {
  asm volatile(
      "ldr r0, =0xE000ED88\n\t"  // CPACR
      "ldr r1, [r0]\n\t"
      "orr r1, r1, #(0xF << 20)\n\t"
      "str r1, [r0]\n\t"
      "dsb\n\t"
      "isb\n\t"
      "bl EcgPrepare\n\t"
      "msr psp, r0\n\t"
      "movs r0, #2\n\t"  // CONTROL.SPSEL: the process stack from here on.
      "msr control, r0\n\t"
      "isb\n\t"
      "bl EcgRun\n\t"
      ".ltorg\n\t");
}
}
