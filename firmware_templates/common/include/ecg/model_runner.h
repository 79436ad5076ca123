// Runs the linked model: keeps the inputs, times inferences, checks guards and
// the golden vector.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/inference.h"
#include "ecg/wire.h"

namespace ecg {

class ModelRunner {
 public:
  // Builds the runtime in the first arena_bytes of the arena, on fresh paint.
  // ticks, unless null, gets the ticks of the building alone.
  inference::Status Build(std::size_t arena_bytes,
                          OpTrace* trace,
                          std::uint64_t* ticks = nullptr);

  // Makes the golden vector the inputs; zeros if there is none.
  void UseGoldenInputs();

  // Changes bytes of one input; false if there is no such place.
  bool WriteInput(std::size_t input, std::size_t offset, ConstSpan data);

  // What the next inference takes as one input; empty if there is no such.
  ConstSpan Input(std::size_t input) const;

  // One inference on the inputs; ticks of the inference alone. The inputs are
  // copied first, because the runtime may have overwritten its own.
  inference::Status Run(std::uint64_t* ticks);

  // Compares the outputs with the golden vector.
  wire::SELFTEST CompareWithGolden() const;

  // Whether the last Build() succeeded.
  bool is_built() const { return is_built_; }

 private:
  void LoadInputs();

  bool is_built_ = false;
};

// Sends ERROR if a guard word around the runtime or its arena has changed.
void ReportBrokenGuards(const char* where);

}  // namespace ecg
