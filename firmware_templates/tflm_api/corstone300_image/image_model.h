// The few reads of a model's flatbuffer that TFLM's headers do inline. The
// model must be valid: the generator checks it. Part of ecg_tflm_api.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tflite {

struct Model;

// The model in a buffer that is aligned to 16 bytes.
inline const Model* GetModel(const void* buffer) {
  std::uint32_t offset = 0;
  std::memcpy(&offset, buffer, sizeof(offset));
  return reinterpret_cast<const Model*>(static_cast<const char*>(buffer) +
                                        offset);
}

namespace image {

// Positions of fields in the schema's tables.
constexpr std::size_t kModelVersion = 0;
constexpr std::size_t kModelSubgraphs = 2;
constexpr std::size_t kSubgraphInputs = 1;
constexpr std::size_t kSubgraphOutputs = 2;

template <typename T>
T ReadScalar(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// Where a table holds a field; null if the field is absent.
inline const char* Field(const char* table, std::size_t field) {
  const char* const vtable = table - ReadScalar<std::int32_t>(table);
  const std::size_t entry = 4 + 2 * field;
  if (entry + 2 > ReadScalar<std::uint16_t>(vtable)) {
    return nullptr;
  }
  const auto offset = ReadScalar<std::uint16_t>(vtable + entry);
  return offset == 0 ? nullptr : table + offset;
}

// What an offset stored in the buffer points to.
inline const char* Follow(const char* at) {
  return at + ReadScalar<std::uint32_t>(at);
}

// Length of a vector in the first subgraph; 0 if it is absent.
inline std::size_t MainSubgraphVectorLength(const Model* model,
                                            std::size_t field) {
  const char* const subgraphs =
      Field(reinterpret_cast<const char*>(model), kModelSubgraphs);
  if (subgraphs == nullptr) {
    return 0;
  }
  const char* const first = Follow(subgraphs) + sizeof(std::uint32_t);
  const char* const vector = Field(Follow(first), field);
  return vector == nullptr ? 0 : ReadScalar<std::uint32_t>(Follow(vector));
}

inline std::size_t InputCount(const Model* model) {
  return MainSubgraphVectorLength(model, kSubgraphInputs);
}

inline std::size_t OutputCount(const Model* model) {
  return MainSubgraphVectorLength(model, kSubgraphOutputs);
}

}  // namespace image
}  // namespace tflite
