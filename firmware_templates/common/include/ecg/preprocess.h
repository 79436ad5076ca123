// From the converter's integers to the model's inputs: filter, decimate, cut a
// window around each beat, normalize, and put RR intervals beside it. The host
// calls this same code, so that what a model was trained and scored on is what
// the device computes. Compile it with -ffp-contract=off: a fused multiply-add
// rounds once where this code rounds twice.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ecg/biquad.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  kEcgMaxSections = 6,
  kEcgMaxWindow = 512,
  kEcgMaxRrFeatures = 8,
  kEcgMaxRrHistory = 256,
  kEcgMaxRhythmHistory = 128,
  kEcgMaxPendingBeats = 16,
  // Filtered samples kept: the longest window plus the wait for the next beat.
  // A power of two.
  kEcgRing = 1024,
};

typedef enum {
  kEcgFixedScale = 0,
  kEcgZScore = 1,
} EcgNormalization;

typedef enum {
  kEcgRrPre = 0,        // seconds since the beat before
  kEcgRrPost = 1,       // seconds to the beat after
  kEcgRrPreRatio = 2,   // pre / mean of the last intervals, pre included
  kEcgRrPostRatio = 3,  // post / the same mean
  kEcgRrPrePost = 4,    // pre / post
  kEcgRrPreLong = 5,    // as 2 and 3, with the mean of a longer history
  kEcgRrPostLong = 6,
  kEcgRrBefore = 7,        // the interval before pre, over the mean of 2
  kEcgRrIrregularity = 8,  // changes of the last intervals, over their sum
  // Median of the last intervals' distances, each to the nearest of the three
  // before it, over their mean: small in any rhythm that repeats, bigeminy
  // too, large in atrial fibrillation.
  kEcgRrUnpredictability = 9,
  // Correlation of the P wave's stretch with the average of the beats before:
  // not of intervals, but beside them in the model's input.
  kEcgPLikeness = 10,
} EcgRrFeature;

typedef struct {
  int32_t adc_zero;
  float mv_per_unit;
  float seconds_per_sample;  // of the converter
  int32_t subtract_first;    // 1: the filters start settled on the first sample
  uint32_t decimation;       // one of this many filtered samples is kept
  uint32_t n_sections;
  EcgSection sections[kEcgMaxSections];
  uint32_t window_samples;
  uint32_t window_before;  // samples of the window before the beat's own
  int32_t normalization;   // EcgNormalization
  float scale_mv;          // kEcgFixedScale: one in the window is this many mV
  float smallest_sd_mv;    // kEcgZScore: a flat window is not blown up to noise
  // Beats in a running average; 0: none. With one, a window has two values a
  // sample: the beat, and the beat less the average of the beats before it.
  uint32_t average_history;
  uint32_t average_from;  // samples of the window in which a beat is compared
  uint32_t average_to;    // with the average; this one no more
  float likeness;         // a beat with less correlation moves the average
  float unlike_divisor;   // by that much less,
  float early_ratio;      // and so does one with a smaller kEcgRrPreRatio
  uint32_t p_from;        // the P wave's stretch, in samples of the window
  uint32_t p_to;
  uint32_t n_rr;
  int32_t rr_features[kEcgMaxRrFeatures];  // EcgRrFeature
  float rr_gains[kEcgMaxRrFeatures];  // each feature is multiplied by its own
  uint32_t rr_history;         // intervals in the mean, 1 to kEcgMaxRrHistory
  uint32_t rr_long_history;    // of the longer history, the same
  uint32_t irregular_history;  // intervals in kEcgRrIrregularity
  uint32_t rhythm_history;     // in kEcgRrUnpredictability, 1 to
                               // kEcgMaxRhythmHistory
  uint32_t longest_rr;  // converter samples; a longer pause counts as this
} EcgPreprocessConfig;

typedef struct {
  uint32_t at;   // converter sample of the beat
  uint32_t pre;  // interval before, converter samples; 0 where there is none
  uint32_t mean_sum;  // of the intervals in the mean
  uint32_t mean_count;
  uint32_t long_sum;  // of those in the longer history
  uint32_t long_count;
  uint32_t before;      // interval before pre; 0 where there is none
  uint32_t changes;     // of the intervals in kEcgRrIrregularity
  uint32_t change_sum;  // of those intervals themselves
  uint32_t surprise;    // median distance in kEcgRrUnpredictability
  uint32_t rhythm_sum;  // of its intervals
  uint32_t rhythm_count;
} EcgPendingBeat;

typedef struct {
  float section_state[kEcgMaxSections][2];
  float ring[kEcgRing];
  uint32_t n_pushed;  // converter samples so far
  uint32_t n_kept;    // decimated samples so far
  int32_t first_adc;
  uint32_t history[kEcgMaxRrHistory];
  uint32_t n_history;  // intervals seen so far
  bool has_beat;
  uint32_t last_beat;
  EcgPendingBeat pending[kEcgMaxPendingBeats];
  uint32_t n_pending;
  float average[kEcgMaxWindow];
  uint32_t n_averaged;
  float p_likeness;  // of the last window that was cut
  uint32_t n_lost;   // beats that could not be queued or came too late
} EcgPreprocessState;

// Values in a window: one or two a sample.
uint32_t EcgPreprocessValues(const EcgPreprocessConfig* config);

void EcgPreprocessReset(EcgPreprocessState* state);

// One sample of the converter.
void EcgPreprocessPushSample(const EcgPreprocessConfig* config,
                             EcgPreprocessState* state,
                             int16_t adc);

// A beat at a sample that was pushed already. Beats come in rising order.
void EcgPreprocessPushBeat(const EcgPreprocessConfig* config,
                           EcgPreprocessState* state,
                           uint32_t at);

// The oldest beat whose window and next interval are there:
// window[EcgPreprocessValues()] and rr[n_rr]. With is_end, no further sample or
// beat will come: missing samples are zero, and a missing interval takes the
// value of the one on the beat's other side.
bool EcgPreprocessPop(const EcgPreprocessConfig* config,
                      EcgPreprocessState* state,
                      bool is_end,
                      float* window,
                      float* rr,
                      uint32_t* beat_at);

// A real number as the model's int8 input stores it; halves away from zero, as
// lroundf.
void EcgPreprocessQuantize(const float* values,
                           uint32_t n,
                           float scale,
                           int32_t zero_point,
                           int8_t* out);

// A whole record in one call: what a loop over the functions above gives. beats
// rises; windows is [n_beats][EcgPreprocessValues()], rr [n_beats][n_rr].
// Returns the number of windows written.
uint32_t EcgPreprocessRecord(const EcgPreprocessConfig* config,
                             EcgPreprocessState* state,
                             const int16_t* adc,
                             uint32_t n_samples,
                             const uint32_t* beats,
                             uint32_t n_beats,
                             float* windows,
                             float* rr);

#ifdef __cplusplus
}
#endif
