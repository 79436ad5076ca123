#pragma once

#include <cstddef>

namespace ecg {

struct TestTensor {
  const unsigned char* data;
  std::size_t bytes;
};

constexpr std::size_t kTestInputCount = 1;
constexpr std::size_t kTestOutputCount = 1;
extern const TestTensor kTestInputs[kTestInputCount];
extern const TestTensor kTestOutputs[kTestOutputCount];

}  // namespace ecg
