// Exit statuses that this port adds to those of the application.
#pragma once

namespace ecg::host {

constexpr int kExitUsage = 2;
constexpr int kExitNoPeer = 5;
constexpr int kExitNoMemory = 6;

}  // namespace ecg::host
