#include "ecg/beat_detector.h"

#include <stddef.h>
#include <string.h>

// Slopes are kept as integers, so that the running sum never drifts.
static const float kSlopeSteps = 256.0F;
static const float kMaxSlope = 32767.0F;

void EcgDetectorReset(EcgDetectorState* state) {
  memset(state, 0, sizeof *state);
}

static uint32_t Mean(const uint32_t* values, uint32_t n) {
  const uint32_t count = n < kEcgDetectorMeans ? n : kEcgDetectorMeans;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    sum += values[i];
  }
  return count == 0 ? 0 : (uint32_t)(sum / count);
}

static void Remember(uint32_t* values, uint32_t* n, uint32_t value) {
  values[*n % kEcgDetectorMeans] = value;
  ++*n;
}

static uint32_t Slope(const EcgDetectorConfig* config,
                      EcgDetectorState* state,
                      int16_t adc) {
  const float value = EcgFilter(config->sections,
                                kEcgDetectorSections,
                                state->section_state,
                                (float)((int32_t)adc - state->first_adc));
  float slope = value - state->last;
  state->last = value;
  slope = slope < 0.0F ? -slope : slope;
  slope = slope > kMaxSlope ? kMaxSlope : slope;
  return (uint32_t)(slope * kSlopeSteps);
}

// Where the signal is farthest from its mean, around a place in the past.
static uint32_t PlaceOf(const EcgDetectorConfig* config,
                        const EcgDetectorState* state,
                        uint32_t seen) {
  const uint32_t now = state->n_pushed - 1;
  const uint32_t center = seen > config->delay ? seen - config->delay : 0;
  const uint32_t first = center > config->reach ? center - config->reach : 0;
  const uint32_t last =
      center + config->reach < now ? center + config->reach : now;
  int32_t sum = 0;
  for (uint32_t i = first; i <= last; ++i) {
    sum += state->ring[i % kEcgDetectorRing];
  }
  const int32_t mean = sum / (int32_t)(last - first + 1);
  uint32_t place = center;
  int32_t farthest = -1;
  for (uint32_t i = first; i <= last; ++i) {
    const int32_t away = state->ring[i % kEcgDetectorRing] - mean;
    const int32_t distance = away < 0 ? -away : away;
    if (distance > farthest) {
      farthest = distance;
      place = i;
    }
  }
  return place;
}

static bool Accept(EcgDetectorState* state,
                   EcgDetectorPeak peak,
                   uint32_t* at) {
  if (state->n_beats != 0) {
    if (peak.at <= state->last_beat.at) {
      return false;
    }
    Remember(
        state->intervals, &state->n_intervals, peak.at - state->last_beat.at);
  }
  Remember(state->beats, &state->n_beats, peak.height);
  state->last_beat = peak;
  state->missed.height = 0;
  *at = peak.at;
  return true;
}

static uint32_t Threshold(const EcgDetectorState* state) {
  const uint32_t noise = Mean(state->noise, state->n_noise);
  const uint32_t beats = Mean(state->beats, state->n_beats);
  return beats > noise ? noise + (beats - noise) / 3 : noise;
}

// A peak that is the largest around: a beat, or noise to learn from.
static bool Judge(const EcgDetectorConfig* config,
                  EcgDetectorState* state,
                  EcgDetectorPeak peak,
                  uint32_t* at) {
  const bool has_beat = state->n_beats != 0;
  const bool is_early =
      has_beat && peak.seen - state->last_beat.seen < config->after_t;
  const bool is_t_wave = is_early && peak.slope < state->last_beat.slope / 2;
  if (!is_t_wave && peak.height > Threshold(state)) {
    return Accept(state, peak, at);
  }
  if (!is_t_wave) {
    Remember(state->noise, &state->n_noise, peak.height);
    if (!is_early && peak.height > state->missed.height) {
      state->missed = peak;
    }
  }
  return false;
}

// A beat is overdue: the best peak that was too small for one, if it is half as
// large as the threshold asks for.
static bool LookAgain(const EcgDetectorConfig* config,
                      EcgDetectorState* state,
                      uint32_t* at) {
  const uint32_t known = Mean(state->intervals, state->n_intervals);
  const uint32_t usual = known != 0 ? known : config->first_rr;
  const uint32_t since = state->n_pushed - 1 - state->last_beat.seen;
  if (state->n_beats == 0 || state->missed.height == 0 ||
      since < usual + usual / 2 ||
      state->missed.height <= Threshold(state) / 2) {
    return false;
  }
  const EcgDetectorPeak peak = state->missed;
  state->missed.height = 0;
  return Accept(state, peak, at);
}

// Follows the averaged slope; true if a candidate has stood for long enough.
static bool Follow(const EcgDetectorConfig* config,
                   EcgDetectorState* state,
                   uint32_t height,
                   uint32_t slope,
                   EcgDetectorPeak* peak) {
  const uint32_t now = state->n_pushed - 1;
  EcgDetectorPeak* candidate = &state->candidate;
  state->steepest = slope > state->steepest ? slope : state->steepest;
  if (height > candidate->height) {
    *candidate = (EcgDetectorPeak){
        .height = height, .slope = state->steepest, .at = 0, .seen = now};
    return false;
  }
  if (candidate->height == 0 || now - candidate->seen < config->apart) {
    return false;
  }
  *peak = *candidate;
  peak->at = PlaceOf(config, state, peak->seen);
  candidate->height = 0;
  state->steepest = 0;
  return true;
}

bool EcgDetectorPush(const EcgDetectorConfig* config,
                     EcgDetectorState* state,
                     int16_t adc,
                     uint32_t* at) {
  if (state->n_pushed == 0) {
    state->first_adc = adc;
  }
  state->ring[state->n_pushed % kEcgDetectorRing] = adc;
  const uint32_t slope = Slope(config, state, adc);
  uint32_t* oldest = &state->slopes[state->n_pushed % config->mean];
  state->slope_sum += slope - *oldest;
  *oldest = slope;
  ++state->n_pushed;
  EcgDetectorPeak peak = {0, 0, 0, 0};
  if (Follow(config, state, state->slope_sum / config->mean, slope, &peak) &&
      Judge(config, state, peak, at)) {
    return true;
  }
  return LookAgain(config, state, at);
}

uint32_t EcgDetectRecord(const EcgDetectorConfig* detector_config,
                         EcgDetectorState* detector,
                         const EcgPreprocessConfig* config,
                         EcgPreprocessState* state,
                         const int16_t* adc,
                         uint32_t n_samples,
                         uint32_t max_beats,
                         uint32_t* beats,
                         float* windows,
                         float* rr) {
  const size_t values = EcgPreprocessValues(config);
  uint32_t n_out = 0;
  EcgDetectorReset(detector);
  EcgPreprocessReset(state);
  for (uint32_t i = 0; i <= n_samples; ++i) {
    const bool is_end = i == n_samples;
    uint32_t at = 0;
    if (!is_end) {
      EcgPreprocessPushSample(config, state, adc[i]);
      if (EcgDetectorPush(detector_config, detector, adc[i], &at)) {
        EcgPreprocessPushBeat(config, state, at);
      }
    }
    while (n_out < max_beats &&
           EcgPreprocessPop(config,
                            state,
                            is_end,
                            windows + (size_t)n_out * values,
                            rr + (size_t)n_out * config->n_rr,
                            &beats[n_out])) {
      ++n_out;
    }
  }
  return n_out;
}
