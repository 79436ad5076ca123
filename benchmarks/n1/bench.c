// Counts the instructions of a compiled model with SysTick, which QEMU's
// -icount drives from executed instructions.
#include <stdint.h>
#include <stdio.h>

#include "model.h"

#define SYST_CSR (*(volatile uint32_t*)0xE000E010U)
#define SYST_RVR (*(volatile uint32_t*)0xE000E014U)
#define SYST_CVR (*(volatile uint32_t*)0xE000E018U)
#define SYST_MASK 0xFFFFFFU
// Two instructions a turn.
#define CALIBRATION_TURNS 100000

static _Alignas(16) unsigned char arena[COMPILED_MODEL_ARENA_BYTES];

static uint32_t now(void) {
  __asm__ volatile("" ::: "memory");
  const uint32_t ticks = SYST_CVR;  // Counts down.
  __asm__ volatile("" ::: "memory");
  return ticks;
}

static uint32_t elapsed(uint32_t start, uint32_t end) {
  return (start - end) & SYST_MASK;
}

static uint32_t calibration_ticks(void) {
  uint32_t turns = CALIBRATION_TURNS;
  const uint32_t start = now();
  __asm__ volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(turns) : : "cc");
  return elapsed(start, now());
}

int main(void) {
  SYST_RVR = SYST_MASK;
  SYST_CVR = 0;
  SYST_CSR = 5;  // Processor clock, no interrupt.
  const uint32_t read_start = now();
  const uint32_t read_ticks = elapsed(read_start, now());
  printf("CALIBRATION %lu %d\n",
         (unsigned long)calibration_ticks(),
         2 * CALIBRATION_TURNS);
  printf("READ %lu\n", (unsigned long)read_ticks);
  for (int32_t step = 0; step < COMPILED_MODEL_STEP_COUNT; ++step) {
    const uint32_t start = now();
    compiled_model_run_step(step, arena);
    const uint32_t ticks = elapsed(start, now());
    printf("STEP %d %s %lu\n",
           (int)step,
           compiled_model_step_name(step),
           (unsigned long)ticks);
  }
  const uint32_t start = now();
  compiled_model_invoke(arena);
  printf("INVOKE %lu\n", (unsigned long)elapsed(start, now()));
  return 0;
}
