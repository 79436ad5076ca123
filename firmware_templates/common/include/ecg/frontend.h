// From samples of the converter to the model's inputs, as the model itself says
// (generated/preprocess_config.h). Without that file nothing of it is linked,
// and Exists() is false.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/model_runner.h"

namespace ecg::frontend {

bool Exists();

// Hash of the specification, and how beats are found ("annotation_triggered").
const char* SpecSha256();
const char* Trigger();

// Forgets everything; the next sample is number 0.
void Reset();

// Tells of a beat at a sample that is still to come. False if it is not, if
// beats are out of order, if too many wait, or if a detector finds them.
bool AnnounceBeat(std::uint32_t at);

// One sample of the converter.
void PushSample(std::int16_t adc);

// Writes the inputs for the oldest beat that is complete into the runner; false
// if there is none. is_end: no further sample will come.
bool NextBeat(ModelRunner& runner, bool is_end, std::uint32_t* beat_at);

// Samples so far, and beats that gave no window.
std::uint32_t SampleCount();
std::uint32_t LostCount();

}  // namespace ecg::frontend
