// Joins the image to our application: its messages, and its way of giving up.
#include "tflm_log.h"

#include <cstdint>

#include "ecg/log_lines.h"
#include "ecg_tflm_api.h"

// Of the image: where its abort() ends, in an endless loop.
extern "C" void _exit(int status);

namespace ecg {
namespace {

// Thumb: an undefined instruction whose number the fault handler knows.
constexpr std::uint16_t kAbortTrap = 0xDE00 | 0xAB;

// Makes a failed check inside the image a fault report instead of silence. Its
// code lies in RAM (ITCM).
void TrapAborts() {
  const auto entry = reinterpret_cast<std::uintptr_t>(&_exit);
  constexpr std::uintptr_t kThumbBit = 1;
  *reinterpret_cast<volatile std::uint16_t*>(entry & ~kThumbBit) = kAbortTrap;
  asm volatile("dsb\n isb" ::: "memory");
}

}  // namespace

void RouteTflmLog() {
  RegisterDebugLogCallback(&log_lines::Write);
  TrapAborts();
}

}  // namespace ecg
