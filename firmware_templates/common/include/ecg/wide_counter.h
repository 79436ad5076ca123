// Makes 64 bits out of a 32-bit counter that counts up.
#pragma once

#include <cstdint>

namespace ecg {

// Right as long as Extend() sees at least one value in every 2^32 counts.
class WideCounter {
 public:
  std::uint64_t Extend(std::uint32_t now) {
    if (now < last_) {
      high_ += std::uint64_t{1} << 32U;
    }
    last_ = now;
    return high_ | now;
  }

 private:
  std::uint64_t high_ = 0;
  std::uint32_t last_ = 0;
};

}  // namespace ecg
