// Memory filled with a known pattern, to see later what was written.
//
// Whole 32-bit words are compared: a word counts as touched when any bit of it
// changed. A program that writes the pattern itself is not noticed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/span.h"

namespace ecg::paint {

constexpr std::uint32_t kPattern = 0xA5C3E187U;

// Fills the span. Bytes behind the last whole word are left alone.
void Fill(Span memory);

// Bytes in words that no longer hold the pattern.
std::size_t TouchedBytes(ConstSpan memory);

// Bytes from the lowest touched word to the end: the deepest use of a stack
// that grows downwards.
std::size_t HighWaterBytes(ConstSpan memory);

}  // namespace ecg::paint
