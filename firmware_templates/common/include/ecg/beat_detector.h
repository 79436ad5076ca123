// Finds beats in the converter's integers, sample by sample, with nothing but
// the past: the slope of a band around the QRS complex, averaged; peaks of it
// over a threshold between the last beats' and the last noise peaks' heights;
// and a second look at the best small peak when a beat is overdue. Compile it
// with -ffp-contract=off, as preprocess.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ecg/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  kEcgDetectorSections = 2,
  kEcgDetectorMeans = 8,  // beats, noise peaks and intervals that are averaged
  kEcgDetectorMaxMean = 128,  // samples of the averaged slope
  kEcgDetectorRing = 512,     // samples kept to look for the beat's place
};

// Lengths are in samples of the converter.
typedef struct {
  EcgSection sections[kEcgDetectorSections];  // high-pass, then low-pass
  uint32_t mean;                              // of the averaged slope
  uint32_t apart;                             // no two beats are closer
  uint32_t after_t;   // closer than this, a peak of low slope is a T wave
  uint32_t delay;     // of filters and mean
  uint32_t reach;     // to both sides where the beat's place is looked for
  uint32_t first_rr;  // interval that is assumed at first
} EcgDetectorConfig;

typedef struct {
  uint32_t height;  // of the averaged slope
  uint32_t slope;   // steepest in it
  uint32_t at;      // converter sample of the beat it may be
  uint32_t seen;    // converter sample of the peak
} EcgDetectorPeak;

typedef struct {
  float section_state[kEcgDetectorSections][2];
  float last;
  uint32_t slopes[kEcgDetectorMaxMean];
  uint32_t slope_sum;
  uint32_t steepest;
  int16_t ring[kEcgDetectorRing];
  int32_t first_adc;
  uint32_t n_pushed;
  EcgDetectorPeak candidate;  // the largest peak of late; height 0: none
  EcgDetectorPeak missed;     // the best since the last beat that was no beat
  EcgDetectorPeak last_beat;
  uint32_t n_beats;
  uint32_t beats[kEcgDetectorMeans];
  uint32_t n_noise;
  uint32_t noise[kEcgDetectorMeans];
  uint32_t n_intervals;
  uint32_t intervals[kEcgDetectorMeans];
} EcgDetectorState;

void EcgDetectorReset(EcgDetectorState* state);

// One sample; true if a beat was found, and then its place, which lies back by
// a fraction of a second, or by more where it was found at the second look.
bool EcgDetectorPush(const EcgDetectorConfig* config,
                     EcgDetectorState* state,
                     int16_t adc,
                     uint32_t* at);

// A whole record, as a device does it sample by sample: beats by the detector,
// windows and intervals as EcgPreprocessRecord gives them. Returns the number
// of windows, at most max_beats.
uint32_t EcgDetectRecord(const EcgDetectorConfig* detector_config,
                         EcgDetectorState* detector,
                         const EcgPreprocessConfig* config,
                         EcgPreprocessState* state,
                         const int16_t* adc,
                         uint32_t n_samples,
                         uint32_t max_beats,
                         uint32_t* beats,
                         float* windows,
                         float* rr);

#ifdef __cplusplus
}
#endif
