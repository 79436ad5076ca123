#pragma once

#include <cstdint>

namespace tflite {

class MicroProfilerInterface {
 public:
  virtual std::uint32_t BeginEvent(const char* tag) = 0;
  virtual void EndEvent(std::uint32_t handle) = 0;

 protected:
  ~MicroProfilerInterface() = default;
};

}  // namespace tflite
