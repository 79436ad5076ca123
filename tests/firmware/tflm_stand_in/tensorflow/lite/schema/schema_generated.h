#pragma once

#include "flatbuffers/flatbuffers.h"

namespace tflite {

struct Model;
inline const Model* GetModel(const void* data) {
  return static_cast<const Model*>(data);
}

}  // namespace tflite
