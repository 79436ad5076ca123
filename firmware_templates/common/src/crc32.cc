#include "ecg/crc32.h"

namespace ecg {
namespace {

// One step per half byte: 64 bytes of table instead of 1,024, fast enough to
// check a model in flash at start-up.
constexpr std::uint32_t kTable[16] = {
    0x00000000U,
    0x1DB71064U,
    0x3B6E20C8U,
    0x26D930ACU,
    0x76DC4190U,
    0x6B6B51F4U,
    0x4DB26158U,
    0x5005713CU,
    0xEDB88320U,
    0xF00F9344U,
    0xD6D6A3E8U,
    0xCB61B38CU,
    0x9B64C2B0U,
    0x86D3D2D4U,
    0xA00AE278U,
    0xBDBDF21CU,
};

}  // namespace

void Crc32::Add(std::uint8_t byte) {
  state_ ^= byte;
  state_ = (state_ >> 4) ^ kTable[state_ & 0xFU];
  state_ = (state_ >> 4) ^ kTable[state_ & 0xFU];
}

void Crc32::Add(const void* data, std::size_t bytes) {
  const auto* next = static_cast<const std::uint8_t*>(data);
  for (std::size_t i = 0; i < bytes; ++i) {
    Add(next[i]);
  }
}

}  // namespace ecg
