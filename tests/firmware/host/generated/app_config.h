#pragma once

#include <cstddef>

namespace ecg {

constexpr char kFirmwareVersion[] = "1.2.3";
constexpr char kBoardId[] = "fake board";
constexpr char kEngineName[] = "fake";
constexpr char kKernelsName[] = "none";
constexpr char kRuntimeId[] = "100% \"fake\"";
constexpr char kModelName[] = "beat$net*";
constexpr bool kAllowFaultInjection = ECG_TEST_FAULTS;
constexpr std::size_t kMaxOps = 3;
constexpr std::size_t kStackBytes = 4096;
constexpr std::size_t kInputBytes = 16;

}  // namespace ecg
