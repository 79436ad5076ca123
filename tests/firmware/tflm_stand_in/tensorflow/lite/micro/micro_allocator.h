#pragma once

#include <cstddef>
#include <cstdint>

namespace tflite {

class MicroAllocator {
 public:
  static MicroAllocator* Create(std::uint8_t* arena, std::size_t bytes);
  std::size_t used_bytes() const;
};

}  // namespace tflite
