// The few registers of the Cortex-M55 and Corstone-300 that the port uses.
#pragma once

#include <cstdint>

namespace ecg::reg {

inline volatile std::uint32_t& At(std::uintptr_t address) {
  return *reinterpret_cast<volatile std::uint32_t*>(address);
}

// System control block.
constexpr std::uintptr_t kVtor = 0xE000ED08;
constexpr std::uintptr_t kCcr = 0xE000ED14;
constexpr std::uint32_t kCcrLowOverheadLoops = 1U << 19;
constexpr std::uintptr_t kShcsr = 0xE000ED24;
// MemManage, BusFault, UsageFault, SecureFault.
constexpr std::uint32_t kShcsrAllFaults = 0xFU << 16;
constexpr std::uintptr_t kCfsr = 0xE000ED28;
constexpr std::uint32_t kCfsrUndefinedInstruction = 1U << 16;
constexpr std::uint32_t kCfsrStackOverflow = 1U << 20;
constexpr std::uintptr_t kHfsr = 0xE000ED2C;
constexpr std::uintptr_t kMmfar = 0xE000ED34;
constexpr std::uintptr_t kBfar = 0xE000ED38;
constexpr std::uintptr_t kCpacr = 0xE000ED88;
// CP10 and CP11: floating point and Helium.
constexpr std::uint32_t kCpacrFpu = 0xFU << 20;

// Interrupt controller, one bit an interrupt, 32 a word.
constexpr std::uintptr_t kNvicEnable = 0xE000E100;
constexpr std::uintptr_t kNvicDisable = 0xE000E180;
constexpr std::uintptr_t kNvicClearPending = 0xE000E280;

// UART0 (CMSDK), secure alias; its receive interrupt is number 33.
constexpr std::uintptr_t kUartData = 0x59303000;
constexpr std::uintptr_t kUartState = 0x59303004;
constexpr std::uint32_t kUartTransmitFull = 1U << 0;
constexpr std::uint32_t kUartReceiveFull = 1U << 1;
constexpr std::uintptr_t kUartControl = 0x59303008;
constexpr std::uint32_t kUartTransmitEnable = 1U << 0;
constexpr std::uint32_t kUartReceiveEnable = 1U << 1;
constexpr std::uint32_t kUartReceiveInterrupt = 1U << 3;
constexpr std::uintptr_t kUartInterruptClear = 0x5930300C;
constexpr std::uintptr_t kUartBaudDivider = 0x59303010;
constexpr std::uint32_t kUartInterruptNumber = 33;

// Ethos-U, secure alias. The first register names product and version; it reads
// as zero where there is none.
constexpr std::uintptr_t kNpu = 0x58102000;
constexpr std::uint32_t kNpuInterruptNumber = 56;

// System counter: control frame, and the physical count in SYSTIMER0's frame.
constexpr std::uintptr_t kCounterControl = 0x58100000;
constexpr std::uint32_t kCounterEnable = 1U << 0;
constexpr std::uintptr_t kCountLow = 0x58000000;
constexpr std::uintptr_t kCountHigh = 0x58000004;

}  // namespace ecg::reg
