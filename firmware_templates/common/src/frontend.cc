#include "ecg/frontend.h"

#if __has_include("preprocess_config.h")

#include <cstring>

#include "ecg/beat_detector.h"
#include "ecg/inference.h"
#include "preprocess_config.h"

namespace ecg::frontend {
namespace {

constexpr std::size_t kMaxAnnounced = 96;

EcgPreprocessState state;
EcgDetectorState detector;
float window[kWindowValues];
// Never empty, so that it can be declared; kRrCount says how many are in use.
float intervals[kRrCount > 0 ? kRrCount : 1];
std::uint32_t announced[kMaxAnnounced];
std::size_t announced_count;

// Real numbers as the input's type has them, into the runner; false if the
// input is of another type or length.
bool WriteInput(ModelRunner& runner,
                std::size_t index,
                const float* values,
                std::size_t count) {
  static std::int8_t
      stored[kWindowValues > kRrCount ? kWindowValues : kRrCount];
  const inference::Tensor& tensor = inference::Input(index);
  if (std::strcmp(tensor.dtype, "float32") == 0) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(values);
    return runner.WriteInput(index, 0, {bytes, count * sizeof(float)});
  }
  if (std::strcmp(tensor.dtype, "int8") != 0) {
    return false;
  }
  EcgPreprocessQuantize(values,
                        static_cast<std::uint32_t>(count),
                        tensor.scale,
                        tensor.zero_point,
                        stored);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(stored);
  return runner.WriteInput(index, 0, {bytes, count});
}

void TellBeats() {
  std::size_t told = 0;
  while (told < announced_count && announced[told] < state.n_pushed) {
    EcgPreprocessPushBeat(&kPreprocess, &state, announced[told]);
    ++told;
  }
  announced_count -= told;
  std::memmove(
      announced, announced + told, announced_count * sizeof(announced[0]));
}

}  // namespace

bool Exists() { return true; }

const char* SpecSha256() { return kPreprocessSha256; }

const char* Trigger() { return kTrigger; }

void Reset() {
  EcgPreprocessReset(&state);
  EcgDetectorReset(&detector);
  announced_count = 0;
}

bool AnnounceBeat(std::uint32_t at) {
  const bool is_late = at < state.n_pushed;
  const bool is_disordered =
      announced_count > 0 && at <= announced[announced_count - 1];
  if (kHasDetector || is_late || is_disordered ||
      announced_count == kMaxAnnounced) {
    return false;
  }
  announced[announced_count++] = at;
  return true;
}

void PushSample(std::int16_t adc) {
  EcgPreprocessPushSample(&kPreprocess, &state, adc);
  if constexpr (kHasDetector) {
    std::uint32_t at = 0;
    if (EcgDetectorPush(&kDetector, &detector, adc, &at)) {
      EcgPreprocessPushBeat(&kPreprocess, &state, at);
    }
  } else {
    TellBeats();
  }
}

bool NextBeat(ModelRunner& runner, bool is_end, std::uint32_t* beat_at) {
  if (!EcgPreprocessPop(
          &kPreprocess, &state, is_end, window, intervals, beat_at)) {
    return false;
  }
  bool ok = WriteInput(runner, kWindowInput, window, kWindowValues);
  if constexpr (kRrCount > 0) {
    ok = WriteInput(runner, kRrInput, intervals, kRrCount) && ok;
  }
  state.n_lost += ok ? 0 : 1;
  return true;
}

std::uint32_t SampleCount() { return state.n_pushed; }

std::uint32_t LostCount() { return state.n_lost; }

}  // namespace ecg::frontend

#else

namespace ecg::frontend {

bool Exists() { return false; }

const char* SpecSha256() { return ""; }

const char* Trigger() { return ""; }

void Reset() {}

bool AnnounceBeat(std::uint32_t) { return false; }

void PushSample(std::int16_t) {}

bool NextBeat(ModelRunner&, bool, std::uint32_t*) { return false; }

std::uint32_t SampleCount() { return 0; }

std::uint32_t LostCount() { return 0; }

}  // namespace ecg::frontend

#endif
