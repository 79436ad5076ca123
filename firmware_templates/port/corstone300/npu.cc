// The Ethos-U of Corstone-300: interrupt, fast memory, driver.
#include "npu.h"

#include <cstddef>
#include <cstdint>

#include "ecg/arena.h"
#include "ecg/wire.h"
#include "image_npu_driver.h"
#include "model_data.h"
#include "registers.h"

namespace ecg::npu {
namespace {

// What the NPU's addresses are multiples of.
constexpr std::uintptr_t kAlignment = 16;

constexpr std::uint32_t kSystemVectors = 16;
constexpr std::uintptr_t kInterruptWord = reg::kNpuInterruptNumber / 32 * 4;
constexpr std::uint32_t kInterruptBit = 1U << (reg::kNpuInterruptNumber % 32);

// Models compiled for dedicated SRAM keep their tensors in DDR and work here.
constexpr std::size_t kFastBytes = ECG_NPU_FAST_BYTES;
[[gnu::section(".npu_fast_memory"),
  gnu::aligned(16)]] std::uint8_t fast_memory[kFastBytes + 1];

ethosu_driver driver;

void HandleInterrupt() { ethosu_irq_handler(&driver); }

bool Fail(const char* detail, std::uint32_t value) {
  wire::Emit(wire::ERROR{"npu", detail, static_cast<std::int32_t>(value)});
  return false;
}

bool IsAligned(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at) % kAlignment == 0;
}

// The vector table lies in RAM: behind our own entries are those of the
// interrupts.
void TakeInterrupt() {
  const std::uintptr_t entry =
      reg::At(reg::kVtor) +
      (kSystemVectors + reg::kNpuInterruptNumber) * sizeof(std::uint32_t);
  reg::At(entry) = reinterpret_cast<std::uintptr_t>(&HandleInterrupt);
  asm volatile("dsb\n isb" ::: "memory");
  reg::At(reg::kNvicEnable + kInterruptWord) = kInterruptBit;
}

}  // namespace

bool Start() {
  if (!IsAligned(kModelData)) {
    return Fail("the model is not aligned to 16 bytes", 0);
  }
  if (!IsAligned(arena::Memory().data)) {
    return Fail("the arena is not aligned to 16 bytes", 0);
  }
  if (reg::At(reg::kNpu) == 0) {
    return Fail("no Ethos-U answers", reg::kNpu);
  }
  TakeInterrupt();
  const int status = ethosu_init(&driver,
                                 reinterpret_cast<const void*>(reg::kNpu),
                                 kFastBytes == 0 ? nullptr : fast_memory,
                                 kFastBytes,
                                 1,
                                 1);
  return status == 0 || Fail("the driver refuses this Ethos-U",
                             static_cast<std::uint32_t>(status));
}

}  // namespace ecg::npu
