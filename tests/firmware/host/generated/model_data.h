#pragma once

#include <cstddef>
#include <cstdint>

namespace ecg {

constexpr std::size_t kModelBytes = 9;
extern const unsigned char kModelData[];
constexpr char kModelSha256[] = "abc";
constexpr std::uint32_t kModelCrc32 = 0xCBF43926U;

}  // namespace ecg
