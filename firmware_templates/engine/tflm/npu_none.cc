// No operator of the model runs on an NPU.
#include "npu.h"

namespace ecg::npu {

bool Start() { return true; }

}  // namespace ecg::npu
