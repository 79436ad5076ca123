// Devices of QEMU's mps2-an386 that the port uses.
//
// Sources: qemu/qemu hw/arm/mps2.c at 0074fce61fecf40326845fa859119bbdd96df620
// (addresses, 25 MHz), hw/char/cmsdk-apb-uart.c at
// 0580c63b4fbf11d32a607efed8afaf7eee6a679e and hw/timer/cmsdk-apb-timer.c at
// 06b40d250ecfa1633209c2e431a7a38acfd03a98 (registers).
#pragma once

#include <cstdint>

namespace ecg::mps2 {

constexpr std::uintptr_t kTimerControl = 0x40000000;
constexpr std::uintptr_t kTimerValue = 0x40000004;
constexpr std::uintptr_t kTimerReload = 0x40000008;
constexpr std::uint32_t kTimerOn = 1;
constexpr std::uint64_t kTimerHz = 25'000'000;

constexpr std::uintptr_t kUartData = 0x40004000;
constexpr std::uintptr_t kUartState = 0x40004004;
constexpr std::uintptr_t kUartControl = 0x40004008;
constexpr std::uintptr_t kUartInterruptStatus = 0x4000400C;
constexpr std::uintptr_t kUartBaudDivider = 0x40004010;
constexpr std::uint32_t kUartSenderFull = 1U << 0U;
constexpr std::uint32_t kUartReceiverFull = 1U << 1U;
constexpr std::uint32_t kUartSenderOn = 1U << 0U;
constexpr std::uint32_t kUartReceiverOn = 1U << 1U;
constexpr std::uint32_t kUartReceiverInterrupt = 1U << 3U;
constexpr std::uint32_t kUartReceiverStatus = 1U << 1U;
constexpr std::uint32_t kUartInterrupt = 0;  // UART 0, receiver.
// The model sends at once whatever the rate is, but refuses a smaller divider.
constexpr std::uint32_t kUartSmallestDivider = 16;

}  // namespace ecg::mps2

extern "C" void Console_Handler();
