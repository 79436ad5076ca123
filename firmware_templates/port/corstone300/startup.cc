// From reset to RunApplication(): vector table, memory, FPU and Helium, stacks.
#include <cstdint>
#include <cstring>

#include "ecg/app.h"
#include "ecg/paint.h"
#include "registers.h"
#include "stack.h"

extern "C" {

// From the linker script.
extern std::uint8_t ecg_data_load[];
extern std::uint8_t ecg_data_start[];
extern std::uint8_t ecg_data_end[];
extern std::uint8_t ecg_bss_start[];
extern std::uint8_t ecg_bss_end[];
extern void (*ecg_init_array_start[])();
extern void (*ecg_init_array_end[])();

// The image's own tables: what to copy and to clear before its code may run.
struct ImageCopy {
  const std::uint32_t* from;
  std::uint32_t* to;
  std::uint32_t words;
};
struct ImageZero {
  std::uint32_t* at;
  std::uint32_t words;
};
extern const ImageCopy __copy_table_start__[];
extern const ImageCopy __copy_table_end__[];
extern const ImageZero __zero_table_start__[];
extern const ImageZero __zero_table_end__[];

void ResetHandler();
void FaultEntry();

}  // extern "C"

namespace ecg {

[[gnu::section(".stack"),
  gnu::aligned(16)]] std::uint8_t application_stack[kStackBytes];
[[gnu::section(".stack"),
  gnu::aligned(16)]] std::uint8_t fault_stack[kFaultStackBytes];

namespace {

using Handler = void (*)();

struct VectorTable {
  std::uint8_t* stack;
  Handler handlers[15];
};

// Interrupts are never taken; the image's entries behind these stay unused.
[[gnu::section(".vectors"), gnu::used]] const VectorTable kVectors = {
    fault_stack + kFaultStackBytes,
    {
        ResetHandler,
        FaultEntry,  // NMI
        FaultEntry,  // HardFault
        FaultEntry,  // MemManage
        FaultEntry,  // BusFault
        FaultEntry,  // UsageFault
        FaultEntry,  // SecureFault
        nullptr,
        nullptr,
        nullptr,
        FaultEntry,  // SVCall
        FaultEntry,  // DebugMonitor
        nullptr,
        FaultEntry,  // PendSV
        FaultEntry,  // SysTick
    }};

void SetUpCore() {
  reg::At(reg::kVtor) = reinterpret_cast<std::uintptr_t>(&kVectors);
  reg::At(reg::kCpacr) = reg::At(reg::kCpacr) | reg::kCpacrFpu;
  reg::At(reg::kCcr) = reg::At(reg::kCcr) | reg::kCcrLowOverheadLoops;
  reg::At(reg::kShcsr) = reg::At(reg::kShcsr) | reg::kShcsrAllFaults;
  asm volatile("dsb\n isb" ::: "memory");
}

void SetUpMemory() {
  std::memcpy(ecg_data_start,
              ecg_data_load,
              static_cast<std::size_t>(ecg_data_end - ecg_data_start));
  std::memset(
      ecg_bss_start, 0, static_cast<std::size_t>(ecg_bss_end - ecg_bss_start));
  for (const ImageCopy* copy = __copy_table_start__; copy != __copy_table_end__;
       ++copy) {
    std::memcpy(copy->to, copy->from, copy->words * sizeof(std::uint32_t));
  }
  for (const ImageZero* zero = __zero_table_start__; zero != __zero_table_end__;
       ++zero) {
    std::memset(zero->at, 0, zero->words * sizeof(std::uint32_t));
  }
}

// Paints the application's stack, while nothing uses it, and moves to it. Its
// lower end is guarded: going below is a fault, not a corruption.
[[noreturn]] void RunOnApplicationStack() {
  paint::Fill({application_stack, kStackBytes});
  asm volatile(
      "msr psplim, %0\n"
      "msr psp, %1\n"
      "mov r0, #2\n"  // Thread mode uses PSP.
      "msr control, r0\n"
      "isb\n"
      "bx %2\n"
      :
      : "r"(application_stack),
        "r"(application_stack + kStackBytes),
        "r"(&RunApplication)
      : "r0", "memory");
  __builtin_unreachable();
}

}  // namespace
}  // namespace ecg

// The stack pointer is that of the fault handler, from the vector table.
void ResetHandler() {
  asm volatile("msr msplim, %0" ::"r"(ecg::fault_stack));
  ecg::SetUpCore();
  ecg::SetUpMemory();
  for (auto** init = ecg_init_array_start; init != ecg_init_array_end; ++init) {
    (*init)();
  }
  ecg::RunOnApplicationStack();
}
