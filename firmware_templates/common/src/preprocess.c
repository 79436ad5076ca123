#include "ecg/preprocess.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static uint32_t Smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

void EcgPreprocessReset(EcgPreprocessState* state) {
  memset(state, 0, sizeof *state);
}

static float Filter(const EcgPreprocessConfig* config,
                    EcgPreprocessState* state,
                    float value) {
  for (uint32_t i = 0; i < config->n_sections; ++i) {
    const EcgSection* section = &config->sections[i];
    float* memory = state->section_state[i];
    const float out = section->b0 * value + memory[0];
    memory[0] = section->b1 * value - section->a1 * out + memory[1];
    memory[1] = section->b2 * value - section->a2 * out;
    value = out;
  }
  return value;
}

void EcgPreprocessPushSample(const EcgPreprocessConfig* config,
                             EcgPreprocessState* state,
                             int16_t adc) {
  if (state->n_pushed == 0) {
    state->first_adc = config->subtract_first != 0 ? adc : config->adc_zero;
  }
  const float value =
      Filter(config,
             state,
             (float)((int32_t)adc - state->first_adc) * config->mv_per_unit);
  if (state->n_pushed % config->decimation == 0) {
    state->ring[state->n_kept % kEcgRing] = value;
    ++state->n_kept;
  }
  ++state->n_pushed;
}

static void Remember(const EcgPreprocessConfig* config,
                     EcgPreprocessState* state,
                     EcgPendingBeat* beat) {
  if (beat->pre != 0) {
    state->history[state->n_history % config->rr_history] = beat->pre;
    ++state->n_history;
  }
  beat->mean_count = Smaller(state->n_history, config->rr_history);
  beat->mean_sum = 0;
  for (uint32_t i = 0; i < beat->mean_count; ++i) {
    beat->mean_sum += state->history[i];
  }
}

void EcgPreprocessPushBeat(const EcgPreprocessConfig* config,
                           EcgPreprocessState* state,
                           uint32_t at) {
  const bool in_order = !state->has_beat || at > state->last_beat;
  if (!in_order || state->n_pending == kEcgMaxPendingBeats) {
    ++state->n_lost;
    return;
  }
  EcgPendingBeat beat = {.at = at, .pre = 0, .mean_sum = 0, .mean_count = 0};
  if (state->has_beat) {
    beat.pre = Smaller(at - state->last_beat, config->longest_rr);
  }
  Remember(config, state, &beat);
  state->has_beat = true;
  state->last_beat = at;
  state->pending[state->n_pending] = beat;
  ++state->n_pending;
}

// The interval after the oldest pending beat, or 0 while it is not known.
static uint32_t PostOf(const EcgPreprocessConfig* config,
                       const EcgPreprocessState* state,
                       bool is_end) {
  const EcgPendingBeat* beat = &state->pending[0];
  if (state->n_pending > 1) {
    return Smaller(state->pending[1].at - beat->at, config->longest_rr);
  }
  if (state->n_pushed - beat->at > config->longest_rr) {
    return config->longest_rr;
  }
  if (!is_end) {
    return 0;
  }
  return beat->pre != 0 ? beat->pre : config->longest_rr;
}

static void WriteRr(const EcgPreprocessConfig* config,
                    const EcgPendingBeat* beat,
                    uint32_t post,
                    float* rr) {
  const uint32_t pre = beat->pre != 0 ? beat->pre : post;
  const uint32_t count = beat->mean_count != 0 ? beat->mean_count : 1;
  const uint32_t sum = beat->mean_count != 0 ? beat->mean_sum : post;
  for (uint32_t i = 0; i < config->n_rr; ++i) {
    switch (config->rr_features[i]) {
      case kEcgRrPre:
        rr[i] = (float)pre * config->seconds_per_sample;
        break;
      case kEcgRrPost:
        rr[i] = (float)post * config->seconds_per_sample;
        break;
      case kEcgRrPreRatio:
        rr[i] = (float)(pre * count) / (float)sum;
        break;
      case kEcgRrPostRatio:
        rr[i] = (float)(post * count) / (float)sum;
        break;
      default:
        rr[i] = (float)pre / (float)post;
        break;
    }
  }
}

static void Normalize(const EcgPreprocessConfig* config, float* window) {
  const uint32_t n = config->window_samples;
  if (config->normalization == kEcgFixedScale) {
    for (uint32_t i = 0; i < n; ++i) {
      window[i] = window[i] / config->scale_mv;
    }
    return;
  }
  float sum = 0.0F;
  for (uint32_t i = 0; i < n; ++i) {
    sum += window[i];
  }
  const float mean = sum / (float)n;
  float squares = 0.0F;
  for (uint32_t i = 0; i < n; ++i) {
    const float distance = window[i] - mean;
    squares += distance * distance;
  }
  // A correctly rounded square root on every target, unlike the rest of libm.
  float deviation = sqrtf(squares / (float)n);
  if (deviation < config->smallest_sd_mv) {
    deviation = config->smallest_sd_mv;
  }
  for (uint32_t i = 0; i < n; ++i) {
    window[i] = (window[i] - mean) / deviation;
  }
}

static void CutWindow(const EcgPreprocessConfig* config,
                      const EcgPreprocessState* state,
                      uint32_t first_plus_before,
                      float* window) {
  for (uint32_t i = 0; i < config->window_samples; ++i) {
    const uint32_t shifted = first_plus_before + i;
    const bool is_before_start = shifted < config->window_before;
    const uint32_t index = shifted - config->window_before;
    const bool is_there = !is_before_start && index < state->n_kept &&
                          state->n_kept - index <= kEcgRing;
    window[i] = is_there ? state->ring[index % kEcgRing] : 0.0F;
  }
}

bool EcgPreprocessPop(const EcgPreprocessConfig* config,
                      EcgPreprocessState* state,
                      bool is_end,
                      float* window,
                      float* rr,
                      uint32_t* beat_at) {
  if (state->n_pending == 0) {
    return false;
  }
  const EcgPendingBeat beat = state->pending[0];
  const uint32_t center = beat.at / config->decimation;
  const uint32_t end =
      center + config->window_samples;  // window_before later than the end
  const uint32_t post = PostOf(config, state, is_end);
  if (post == 0 || (!is_end && state->n_kept + config->window_before < end)) {
    return false;
  }
  CutWindow(config, state, center, window);
  Normalize(config, window);
  WriteRr(config, &beat, post, rr);
  *beat_at = beat.at;
  --state->n_pending;
  memmove(state->pending,
          state->pending + 1,
          state->n_pending * sizeof state->pending[0]);
  return true;
}

void EcgPreprocessQuantize(const float* values,
                           uint32_t n,
                           float scale,
                           int32_t zero_point,
                           int8_t* out) {
  for (uint32_t i = 0; i < n; ++i) {
    float scaled = values[i] / scale;
    // The range is cut before the conversion: out of range it would be
    // undefined.
    scaled = scaled > 512.0F ? 512.0F : scaled < -512.0F ? -512.0F : scaled;
    const int32_t rounded =
        (int32_t)(scaled < 0.0F ? scaled - 0.5F : scaled + 0.5F);
    const int32_t stored = rounded + zero_point;
    out[i] = (int8_t)(stored > 127 ? 127 : stored < -128 ? -128 : stored);
  }
}

uint32_t EcgPreprocessRecord(const EcgPreprocessConfig* config,
                             EcgPreprocessState* state,
                             const int16_t* adc,
                             uint32_t n_samples,
                             const uint32_t* beats,
                             uint32_t n_beats,
                             float* windows,
                             float* rr) {
  uint32_t n_out = 0;
  uint32_t n_given = 0;
  uint32_t at = 0;
  EcgPreprocessReset(state);
  for (uint32_t i = 0; i < n_samples; ++i) {
    EcgPreprocessPushSample(config, state, adc[i]);
    while (n_given < n_beats && beats[n_given] <= i) {
      EcgPreprocessPushBeat(config, state, beats[n_given]);
      ++n_given;
    }
    while (n_out < n_beats &&
           EcgPreprocessPop(config,
                            state,
                            false,
                            windows + (size_t)n_out * config->window_samples,
                            rr + (size_t)n_out * config->n_rr,
                            &at)) {
      ++n_out;
    }
  }
  while (n_out < n_beats &&
         EcgPreprocessPop(config,
                          state,
                          true,
                          windows + (size_t)n_out * config->window_samples,
                          rr + (size_t)n_out * config->n_rr,
                          &at)) {
    ++n_out;
  }
  return n_out;
}
