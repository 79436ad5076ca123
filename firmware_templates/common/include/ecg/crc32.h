// CRC-32 as used by zip and Ethernet (reflected polynomial 0xEDB88320).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ecg {

// Running CRC-32: feed bytes in any split, read value() at any time.
class Crc32 {
 public:
  void Add(std::uint8_t byte);
  void Add(const void* data, std::size_t bytes);
  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = 0xFFFFFFFFU;
};

}  // namespace ecg
