#pragma once

#include <stdint.h>

typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;
typedef uint8_t StackType_t;  // A stack is counted in bytes.

typedef struct {
  uint8_t state[352];
} StaticTask_t;

#define pdMS_TO_TICKS(ms) ((TickType_t)((ms) / 10))
