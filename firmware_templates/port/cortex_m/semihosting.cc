#include "semihosting.h"

#include <cstdint>

namespace ecg::semihosting {
namespace {

// Arm's "Semihosting for AArch32 and AArch64": operation and reason numbers.
constexpr std::uint32_t kExitExtended = 0x20;
constexpr std::uint32_t kApplicationExit = 0x20026;

}  // namespace

void Exit(int status) {
  const std::uint32_t block[2] = {kApplicationExit,
                                  static_cast<std::uint32_t>(status)};
  register std::uint32_t operation asm("r0") = kExitExtended;
  register const std::uint32_t* argument asm("r1") = block;
  asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(argument) : "memory");
  for (;;) {
  }
}

}  // namespace ecg::semihosting
