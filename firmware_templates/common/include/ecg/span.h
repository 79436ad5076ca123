// A run of bytes in memory; owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ecg {

struct Span {
  std::uint8_t* data = nullptr;
  std::size_t bytes = 0;
};

struct ConstSpan {
  const std::uint8_t* data = nullptr;
  std::size_t bytes = 0;
};

}  // namespace ecg
