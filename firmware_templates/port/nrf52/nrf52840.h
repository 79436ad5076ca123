// Registers of the nRF52840 that the port uses.
//
// Sources: addresses of the peripherals, interrupt numbers and registers:
// NordicSemiconductor/nrfx mdk/nrf52840.h at
// 11f57e578c7feea13f21c79ea0efab2630ac68c7. Offsets of UARTE, TIMER and CLOCK
// and the baud rate words again in renode/renode-infrastructure
// NRF52840_UART.cs at 1bfd798f03c2119edbd3b8defd69719ebb34a2f9,
// NRF52840_Timer.cs at 24afa45ba7ec34d608f97ebc8f6747114910ae09,
// NRF52840_CLOCK.cs at 4775248978ad7d926dd249b2ef2bcbb3865fe8c4.
#pragma once

#include <cstdint>

namespace ecg::nrf52840 {

// CLOCK: the crystal oscillator, which the baud rate needs.
constexpr std::uintptr_t kHfclkStart = 0x40000000;
constexpr std::uintptr_t kHfclkStarted = 0x40000100;

// Access port protection. Chips from revision kApprotectRevision on lock the
// debug port at each reset until firmware copies the word of UICR
// (mdk/system_nrf52_approtect.h at 2527e3c8449cfd38aee41598e8af8492f410ed15,
// mdk/nrf52_erratas.h, configuration 249, of the same repository).
constexpr std::uintptr_t kApprotectDisable = 0x40000558;
constexpr std::uintptr_t kUicrApprotect = 0x10001208;
constexpr std::uintptr_t kFicrPart = 0x10000130;
constexpr std::uintptr_t kFicrRevision = 0x10000134;
constexpr std::uint32_t kFicrPartNrf52840 = 0x08;
constexpr std::uint32_t kApprotectRevision = 0x05;

// UARTE0: a UART that moves its bytes by DMA ("EasyDMA"); RAM only, no flash.
constexpr std::uintptr_t kUarteStartRx = 0x40002000;
constexpr std::uintptr_t kUarteStartTx = 0x40002008;
constexpr std::uintptr_t kUarteEndRx = 0x40002110;
constexpr std::uintptr_t kUarteEndTx = 0x40002120;
constexpr std::uintptr_t kUarteIntenset = 0x40002304;
constexpr std::uintptr_t kUarteEnable = 0x40002500;
constexpr std::uintptr_t kUartePselTxd = 0x4000250C;
constexpr std::uintptr_t kUartePselRxd = 0x40002514;
constexpr std::uintptr_t kUarteBaudrate = 0x40002524;
constexpr std::uintptr_t kUarteRxdPtr = 0x40002534;
constexpr std::uintptr_t kUarteRxdMaxcnt = 0x40002538;
constexpr std::uintptr_t kUarteTxdPtr = 0x40002544;
constexpr std::uintptr_t kUarteTxdMaxcnt = 0x40002548;
constexpr std::uintptr_t kUarteConfig = 0x4000256C;
constexpr std::uint32_t kUarteIntEndRx = 1U << 4U;
constexpr std::uint32_t kUarteEnabled = 8;
constexpr std::uint32_t kUarteBaud115200 = 0x01D7E000;
constexpr std::uint32_t kUarteInterrupt = 2;

// GPIO ports: 32 pins each; pin number n is P0.n, or P1.(n - 32).
constexpr std::uintptr_t kGpioPort0 = 0x50000000;
constexpr std::uintptr_t kGpioPort1 = 0x50000300;
constexpr std::uintptr_t kGpioOutset = 0x508;
constexpr std::uintptr_t kGpioDirset = 0x518;
constexpr std::uintptr_t kGpioPinCnf = 0x700;
constexpr std::uint32_t kGpioPullUp = 3U << 2U;

// TIMER0 at 16 MHz, 32 bits wide.
constexpr std::uintptr_t kTimerStart = 0x40008000;
constexpr std::uintptr_t kTimerClear = 0x4000800C;
constexpr std::uintptr_t kTimerCapture0 = 0x40008040;
constexpr std::uintptr_t kTimerMode = 0x40008504;
constexpr std::uintptr_t kTimerBitmode = 0x40008508;
constexpr std::uintptr_t kTimerPrescaler = 0x40008510;
constexpr std::uintptr_t kTimerCc0 = 0x40008540;
constexpr std::uint32_t kTimerBitmode32 = 3;
constexpr std::uint64_t kTimerHz = 16'000'000;

constexpr std::uint64_t kCoreHz = 64'000'000;

}  // namespace ecg::nrf52840
