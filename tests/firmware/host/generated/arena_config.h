#pragma once

#include <cstddef>

namespace ecg {

constexpr std::size_t kArenaBytes = 256;

}  // namespace ecg
