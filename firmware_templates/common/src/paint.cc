#include "ecg/paint.h"

#include <cstring>

namespace ecg::paint {
namespace {

constexpr std::size_t kWord = sizeof(kPattern);

bool IsPainted(const std::uint8_t* word) {
  return std::memcmp(word, &kPattern, kWord) == 0;
}

}  // namespace

void Fill(Span memory) {
  for (std::size_t at = 0; at + kWord <= memory.bytes; at += kWord) {
    std::memcpy(memory.data + at, &kPattern, kWord);
  }
}

std::size_t TouchedBytes(ConstSpan memory) {
  std::size_t touched = 0;
  for (std::size_t at = 0; at + kWord <= memory.bytes; at += kWord) {
    if (!IsPainted(memory.data + at)) {
      touched += kWord;
    }
  }
  return touched;
}

std::size_t HighWaterBytes(ConstSpan memory) {
  std::size_t at = 0;
  while (at + kWord <= memory.bytes && IsPainted(memory.data + at)) {
    at += kWord;
  }
  return at + kWord <= memory.bytes ? memory.bytes - at : 0;
}

}  // namespace ecg::paint
