#include "ecg/preprocess.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static uint32_t Smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

uint32_t EcgPreprocessValues(const EcgPreprocessConfig* config) {
  return config->average_history != 0 ? 2 * config->window_samples
                                      : config->window_samples;
}

void EcgPreprocessReset(EcgPreprocessState* state) {
  memset(state, 0, sizeof *state);
}

void EcgPreprocessPushSample(const EcgPreprocessConfig* config,
                             EcgPreprocessState* state,
                             int16_t adc) {
  if (state->n_pushed == 0) {
    state->first_adc = config->subtract_first != 0 ? adc : config->adc_zero;
  }
  const float value =
      EcgFilter(config->sections,
                config->n_sections,
                state->section_state,
                (float)((int32_t)adc - state->first_adc) * config->mv_per_unit);
  if (state->n_pushed % config->decimation == 0) {
    state->ring[state->n_kept % kEcgRing] = value;
    ++state->n_kept;
  }
  ++state->n_pushed;
}

// Sum of the last intervals; their number goes to count.
static uint32_t SumOfLast(const EcgPreprocessState* state,
                          uint32_t most,
                          uint32_t* count) {
  uint32_t sum = 0;
  *count = Smaller(state->n_history, most);
  for (uint32_t i = 1; i <= *count; ++i) {
    sum += state->history[(state->n_history - i) % kEcgMaxRrHistory];
  }
  return sum;
}

// The interval that came so many before the next one.
static uint32_t IntervalBack(const EcgPreprocessState* state, uint32_t back) {
  return state->history[(state->n_history - back) % kEcgMaxRrHistory];
}

static uint32_t Distance(uint32_t a, uint32_t b) {
  return a > b ? a - b : b - a;
}

static void SumChanges(const EcgPreprocessConfig* config,
                       const EcgPreprocessState* state,
                       EcgPendingBeat* beat) {
  uint32_t count = 0;
  beat->change_sum = SumOfLast(state, config->irregular_history, &count);
  for (uint32_t i = 1; i <= count && i < state->n_history; ++i) {
    beat->changes +=
        Distance(IntervalBack(state, i), IntervalBack(state, i + 1));
  }
}

// How far an interval is from the nearest of the three before it, as far as
// they are known.
static uint32_t DistanceToNearest(const EcgPreprocessState* state,
                                  uint32_t back) {
  const uint32_t known = Smaller(state->n_history, kEcgMaxRrHistory);
  const uint32_t now = IntervalBack(state, back);
  uint32_t nearest = UINT32_MAX;
  for (uint32_t lag = 1; lag <= 3 && back + lag <= known; ++lag) {
    nearest = Smaller(nearest, Distance(now, IntervalBack(state, back + lag)));
  }
  return nearest;
}

// The median by insertion: the history is short, and beats are rare.
static void MeasureRhythm(const EcgPreprocessConfig* config,
                          const EcgPreprocessState* state,
                          EcgPendingBeat* beat) {
  uint32_t sorted[kEcgMaxRhythmHistory];
  uint32_t count = 0;
  while (count < config->rhythm_history && count + 1 < state->n_history) {
    const uint32_t distance = DistanceToNearest(state, count + 1);
    uint32_t at = count;
    for (; at > 0 && sorted[at - 1] > distance; --at) {
      sorted[at] = sorted[at - 1];
    }
    sorted[at] = distance;
    ++count;
  }
  beat->surprise = count != 0 ? sorted[(count - 1) / 2] : 0;
  beat->rhythm_sum = SumOfLast(state, count, &beat->rhythm_count);
}

static void Remember(const EcgPreprocessConfig* config,
                     EcgPreprocessState* state,
                     EcgPendingBeat* beat) {
  if (beat->pre != 0) {
    state->history[state->n_history % kEcgMaxRrHistory] = beat->pre;
    ++state->n_history;
  }
  beat->before = state->n_history > 1 ? IntervalBack(state, 2) : 0;
  beat->mean_sum = SumOfLast(state, config->rr_history, &beat->mean_count);
  beat->long_sum = SumOfLast(state, config->rr_long_history, &beat->long_count);
  SumChanges(config, state, beat);
  MeasureRhythm(config, state, beat);
}

// Whether the window's samples are still there.
static bool IsKept(const EcgPreprocessConfig* config,
                   const EcgPreprocessState* state,
                   uint32_t at) {
  const uint32_t center = at / config->decimation;
  const uint32_t first =
      center > config->window_before ? center - config->window_before : 0;
  return at < state->n_pushed && state->n_kept - first <= kEcgRing;
}

void EcgPreprocessPushBeat(const EcgPreprocessConfig* config,
                           EcgPreprocessState* state,
                           uint32_t at) {
  const bool in_order = !state->has_beat || at > state->last_beat;
  if (!in_order || !IsKept(config, state, at) ||
      state->n_pending == kEcgMaxPendingBeats) {
    ++state->n_lost;
    return;
  }
  EcgPendingBeat beat = {.at = at};
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

// An interval in units of the mean of a history; without one, of the interval
// after the beat.
static float Ratio(uint32_t interval,
                   uint32_t sum,
                   uint32_t count,
                   uint32_t post) {
  return count != 0 ? (float)(interval * count) / (float)sum
                    : (float)interval / (float)post;
}

static void WriteRr(const EcgPreprocessConfig* config,
                    const EcgPendingBeat* beat,
                    uint32_t post,
                    float p_likeness,
                    float* rr) {
  const uint32_t pre = beat->pre != 0 ? beat->pre : post;
  for (uint32_t i = 0; i < config->n_rr; ++i) {
    switch (config->rr_features[i]) {
      case kEcgRrPre:
        rr[i] = (float)pre * config->seconds_per_sample;
        break;
      case kEcgRrPost:
        rr[i] = (float)post * config->seconds_per_sample;
        break;
      case kEcgRrPreRatio:
        rr[i] = Ratio(pre, beat->mean_sum, beat->mean_count, post);
        break;
      case kEcgRrPostRatio:
        rr[i] = Ratio(post, beat->mean_sum, beat->mean_count, post);
        break;
      case kEcgRrPreLong:
        rr[i] = Ratio(pre, beat->long_sum, beat->long_count, post);
        break;
      case kEcgRrPostLong:
        rr[i] = Ratio(post, beat->long_sum, beat->long_count, post);
        break;
      case kEcgRrBefore:
        rr[i] = Ratio(beat->before != 0 ? beat->before : pre,
                      beat->mean_sum,
                      beat->mean_count,
                      post);
        break;
      case kEcgRrIrregularity:
        rr[i] = beat->change_sum != 0
                    ? (float)beat->changes / (float)beat->change_sum
                    : 0.0F;
        break;
      case kEcgRrUnpredictability:
        rr[i] = beat->rhythm_sum != 0
                    ? (float)(beat->surprise * beat->rhythm_count) /
                          (float)beat->rhythm_sum
                    : 0.0F;
        break;
      case kEcgPLikeness:
        rr[i] = p_likeness;
        break;
      default:
        rr[i] = (float)pre / (float)post;
        break;
    }
    rr[i] = rr[i] * config->rr_gains[i];
  }
}

// How a beat and the average go together around the QRS complex, up to 1.
static float Likeness(const EcgPreprocessConfig* config,
                      const EcgPreprocessState* state,
                      const float* window) {
  float both = 0.0F;
  float of_window = 0.0F;
  float of_average = 0.0F;
  for (uint32_t i = config->average_from; i < config->average_to; ++i) {
    both += window[i] * state->average[i];
    of_window += window[i] * window[i];
    of_average += state->average[i] * state->average[i];
  }
  return both / sqrtf(of_window * of_average + 1e-6F);
}

static float MeanOf(const float* values, uint32_t from, uint32_t to) {
  float sum = 0.0F;
  for (uint32_t i = from; i < to; ++i) {
    sum += values[i];
  }
  return sum / (float)(to - from);
}

// How the P waves of a beat and of the average go together, -1 to 1, whatever
// the baseline; near 0 where either is flat.
static float PLikeness(const EcgPreprocessConfig* config,
                       const EcgPreprocessState* state,
                       const float* window) {
  if (config->p_from == config->p_to) {
    return 0.0F;
  }
  const float mean = MeanOf(window, config->p_from, config->p_to);
  const float usual = MeanOf(state->average, config->p_from, config->p_to);
  float both = 0.0F;
  float of_window = 0.0F;
  float of_average = 0.0F;
  for (uint32_t i = config->p_from; i < config->p_to; ++i) {
    const float w = window[i] - mean;
    const float a = state->average[i] - usual;
    both += w * a;
    of_window += w * w;
    of_average += a * a;
  }
  return both / sqrtf(of_window * of_average + 1e-6F);
}

// Whether a beat came soon after the one before. A patient's usual beats are
// not early, even where half of all beats are ventricular.
static bool IsEarly(const EcgPreprocessConfig* config,
                    const EcgPendingBeat* beat) {
  return beat->pre != 0 &&
         Ratio(beat->pre, beat->mean_sum, beat->mean_count, beat->pre) <
             config->early_ratio;
}

// The beat beside what sets it apart from the beats before it; then it becomes
// part of their average. Two values a sample, from the end so that none is
// overwritten before it is read.
static void CompareWithAverage(const EcgPreprocessConfig* config,
                               EcgPreprocessState* state,
                               bool is_early,
                               float* window) {
  const uint32_t n = config->window_samples;
  float step = 0.0F;
  if (state->n_averaged == 0) {
    memcpy(state->average, window, n * sizeof window[0]);
    state->n_averaged = 1;
    state->p_likeness = 1.0F;
  } else {
    state->p_likeness = PLikeness(config, state, window);
    state->n_averaged = Smaller(state->n_averaged + 1, config->average_history);
    step = 1.0F / (float)state->n_averaged;
    if (is_early || Likeness(config, state, window) < config->likeness) {
      step = step / config->unlike_divisor;
    }
  }
  for (uint32_t i = n; i-- > 0;) {
    const float value = window[i];
    const float distance = value - state->average[i];
    state->average[i] += step * distance;
    window[2 * i] = value;
    window[2 * i + 1] = distance;
  }
}

static void Normalize(const EcgPreprocessConfig* config,
                      EcgPreprocessState* state,
                      bool is_early,
                      float* window) {
  if (config->average_history != 0) {
    CompareWithAverage(config, state, is_early, window);
  }
  const uint32_t n = EcgPreprocessValues(config);
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
  Normalize(config, state, IsEarly(config, &beat), window);
  WriteRr(config, &beat, post, state->p_likeness, rr);
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
  const size_t values = EcgPreprocessValues(config);
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
                            windows + (size_t)n_out * values,
                            rr + (size_t)n_out * config->n_rr,
                            &at)) {
      ++n_out;
    }
  }
  while (n_out < n_beats && EcgPreprocessPop(config,
                                             state,
                                             true,
                                             windows + (size_t)n_out * values,
                                             rr + (size_t)n_out * config->n_rr,
                                             &at)) {
    ++n_out;
  }
  return n_out;
}
