#pragma once

#include <cstddef>

namespace ecg {

constexpr std::size_t kArenaBytes = 256;
constexpr std::size_t kArenaNeededBytes = 0;
constexpr std::size_t kSearchFloorBytes = 32;

}  // namespace ecg
