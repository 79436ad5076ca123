// The NPU that some operators of the model run on, where it has any. Chosen by
// the build: port/<family>/npu.cc, or npu_none.cc for a model without.
#pragma once

namespace ecg::npu {

// Makes the NPU ready; once, before the first inference. Reports why if it
// cannot: then the model can be loaded, and not run. True without an NPU.
bool Start();

}  // namespace ecg::npu
