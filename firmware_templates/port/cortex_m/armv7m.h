// Registers of the Armv7-M core (Cortex-M4) that our ports use.
//
// Source: Armv7-M Architecture Reference Manual, part B3 (system address map);
// the same names are in CMSIS core_cm4.h.
#pragma once

#include <cstdint>

namespace ecg::armv7m {

inline volatile std::uint32_t& Register(std::uintptr_t address) {
  return *reinterpret_cast<volatile std::uint32_t*>(address);
}

constexpr std::uintptr_t kVtor = 0xE000ED08;
constexpr std::uintptr_t kShcsr = 0xE000ED24;
constexpr std::uintptr_t kCfsr = 0xE000ED28;
constexpr std::uintptr_t kHfsr = 0xE000ED2C;
constexpr std::uintptr_t kMmfar = 0xE000ED34;
constexpr std::uintptr_t kBfar = 0xE000ED38;
constexpr std::uintptr_t kCpacr = 0xE000ED88;
constexpr std::uintptr_t kMpuType = 0xE000ED90;
constexpr std::uintptr_t kMpuCtrl = 0xE000ED94;
constexpr std::uintptr_t kMpuRbar = 0xE000ED9C;
constexpr std::uintptr_t kMpuRasr = 0xE000EDA0;
constexpr std::uintptr_t kDemcr = 0xE000EDFC;
constexpr std::uintptr_t kDwtCtrl = 0xE0001000;
constexpr std::uintptr_t kDwtCyccnt = 0xE0001004;
constexpr std::uintptr_t kNvicIser0 = 0xE000E100;

// SHCSR: MemManage, BusFault and UsageFault get handlers of their own.
constexpr std::uint32_t kShcsrFaults = 7U << 16U;
// CFSR bits that mean that the frame of the exception could not be stored.
constexpr std::uint32_t kCfsrMstkerr = 1U << 4U;
constexpr std::uint32_t kCfsrMmarvalid = 1U << 7U;
constexpr std::uint32_t kCfsrStkerr = 1U << 12U;

constexpr std::uint32_t kDemcrTrcena = 1U << 24U;
constexpr std::uint32_t kDwtCyccntena = 1U << 0U;

inline void Barrier() { asm volatile("dsb\n\tisb" ::: "memory"); }

}  // namespace ecg::armv7m
