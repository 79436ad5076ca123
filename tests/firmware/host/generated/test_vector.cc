#include "test_vector.h"

namespace ecg {
namespace {

constexpr unsigned char kInput[] = {0, 1, 2, 3, 252, 253, 254, 255};
constexpr unsigned char kOutput[] = {1, 2, 3, 4, 253, 254, 255, 0};

}  // namespace

const TestTensor kTestInputs[] = {{kInput, 8}};
const TestTensor kTestOutputs[] = {{kOutput, 8}};

}  // namespace ecg
