// Static storage between two rows of guard words. What is built in it cannot
// write past either end unnoticed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ecg {

template <std::size_t kBytes>
class Guarded {
 public:
  // Writes the guard words.
  void Arm() {
    for (std::size_t i = 0; i < kGuardWords; ++i) {
      before_[i] = kGuard;
      after_[i] = kGuard;
    }
  }

  bool IsIntact() const {
    for (std::size_t i = 0; i < kGuardWords; ++i) {
      if (before_[i] != kGuard || after_[i] != kGuard) {
        return false;
      }
    }
    return true;
  }

  std::uint8_t* data() { return storage_; }

 private:
  static constexpr std::uint32_t kGuard = 0x5AFE57A7U;
  static constexpr std::size_t kGuardWords = 4;

  alignas(16) volatile std::uint32_t before_[kGuardWords];
  alignas(16) std::uint8_t storage_[kBytes];
  volatile std::uint32_t after_[kGuardWords];
};

}  // namespace ecg
