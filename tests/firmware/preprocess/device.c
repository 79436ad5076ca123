// Runs ecg/preprocess.h on an emulated core, sample by sample as a device
// would, with files of the host through semihosting. in.bin: configuration,
// scale (float), zero point, number of samples, number of beats, beats
// (uint32), samples (int16). out.bin: for each beat its sample number, the int8
// window, then window and intervals as float32.
#include <stddef.h>
#include <stdint.h>

#include "ecg/preprocess.h"

extern uint32_t kStackTop;
void Reset(void);

__attribute__((section(".vectors"),
               used)) static const void* const kVectors[16] = {
    &kStackTop, (const void*)Reset};

enum { kOpen = 1, kWrite = 5, kRead = 6, kClose = 2, kExitExtended = 0x20 };

static uint32_t Semihost(uint32_t operation, const void* arguments) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = arguments;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void Exit(uint32_t code) {
  const uint32_t arguments[2] = {0x20026, code};
  Semihost(kExitExtended, arguments);
  for (;;) {
  }
}

static uint32_t Open(const char* name, uint32_t length, uint32_t mode) {
  const uintptr_t arguments[3] = {(uintptr_t)name, mode, length};
  return Semihost(kOpen, arguments);
}

static void Read(uint32_t file, void* to, uint32_t bytes) {
  const uintptr_t arguments[3] = {file, (uintptr_t)to, bytes};
  if (Semihost(kRead, arguments) != 0) Exit(2);
}

static void Write(uint32_t file, const void* from, uint32_t bytes) {
  const uintptr_t arguments[3] = {file, (uintptr_t)from, bytes};
  if (Semihost(kWrite, arguments) != 0) Exit(3);
}

static EcgPreprocessConfig g_config;
static EcgPreprocessState g_state;
static uint32_t g_beats[8192];
static int16_t g_samples[1024];
static float g_window[2 * kEcgMaxWindow];
static float g_rr[kEcgMaxRrFeatures];
static int8_t g_stored[2 * kEcgMaxWindow];
static struct {
  float scale;
  int32_t zero_point;
  uint32_t n_samples;
  uint32_t n_beats;
} g_header;

static void Drain(uint32_t out, bool is_end) {
  uint32_t at = 0;
  while (EcgPreprocessPop(&g_config, &g_state, is_end, g_window, g_rr, &at)) {
    EcgPreprocessQuantize(g_window,
                          EcgPreprocessValues(&g_config),
                          g_header.scale,
                          g_header.zero_point,
                          g_stored);
    Write(out, &at, sizeof at);
    Write(out, g_stored, EcgPreprocessValues(&g_config));
    Write(out,
          g_window,
          EcgPreprocessValues(&g_config) * (uint32_t)sizeof(float));
    Write(out, g_rr, g_config.n_rr * (uint32_t)sizeof(float));
  }
}

int main(void) {
  const uint32_t in = Open("in.bin", 6, 1);
  const uint32_t out = Open("out.bin", 7, 5);
  Read(in, &g_config, sizeof g_config);
  Read(in, &g_header, sizeof g_header);
  if (g_header.n_beats > sizeof g_beats / sizeof g_beats[0]) Exit(4);
  Read(in, g_beats, g_header.n_beats * (uint32_t)sizeof g_beats[0]);
  EcgPreprocessReset(&g_state);
  uint32_t given = 0;
  for (uint32_t done = 0; done < g_header.n_samples;) {
    const uint32_t left = g_header.n_samples - done;
    const uint32_t n = left < 1024 ? left : 1024;
    Read(in, g_samples, n * (uint32_t)sizeof g_samples[0]);
    for (uint32_t i = 0; i < n; ++i, ++done) {
      EcgPreprocessPushSample(&g_config, &g_state, g_samples[i]);
      while (given < g_header.n_beats && g_beats[given] <= done) {
        EcgPreprocessPushBeat(&g_config, &g_state, g_beats[given]);
        ++given;
      }
      Drain(out, false);
    }
  }
  Drain(out, true);
  const uintptr_t closing[1] = {out};
  Semihost(kClose, closing);
  return g_state.n_lost == 0 ? 0 : 5;
}

void Reset(void) {
  *(volatile uint32_t*)0xE000ED88 |= 0xFU << 20;  // the floating-point unit on
  __asm__ volatile("dsb\nisb");
  Exit((uint32_t)main());
}
