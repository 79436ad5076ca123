// Runs every case of a batch and prints what differs.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

// The sanitizer watches the end of the arena; elsewhere guard bytes do.
#if defined(__SANITIZE_ADDRESS__)
#define GUARD_BYTES 0
#else
#define GUARD_BYTES 64
#endif
#define GUARD_VALUE 0xA5
#define MAX_REPORTED 20

// Copies one vector's inputs into the arena; returns the position behind them.
static const unsigned char* load_inputs(const test_case* test,
                                        unsigned char* arena,
                                        const unsigned char* vectors) {
  for (int32_t i = 0; i < test->input_count; ++i) {
    const tgk_tensor* tensor = &test->inputs[i];
    (void)memcpy(arena + tensor->offset, vectors, (size_t)tensor->bytes);
    vectors += tensor->bytes;
  }
  return vectors;
}

static int32_t differences(const test_case* test,
                           const unsigned char* arena,
                           const unsigned char** expected,
                           int32_t vector) {
  int32_t count = 0;
  for (int32_t i = 0; i < test->output_count; ++i) {
    const tgk_tensor* tensor = &test->outputs[i];
    for (int32_t byte = 0; byte < tensor->bytes; ++byte) {
      const unsigned char got = arena[tensor->offset + byte];
      if (got != (*expected)[byte] && count++ == 0) {
        printf("%s vector %d output %d byte %d: %d, expected %d\n",
               test->name,
               (int)vector,
               (int)i,
               (int)byte,
               (int)(signed char)got,
               (int)(signed char)(*expected)[byte]);
      }
    }
    *expected += tensor->bytes;
  }
  return count;
}

static int run_case(const test_case* test, unsigned char* arena) {
  const unsigned char* in = test->vectors_in;
  const unsigned char* expected = test->vectors_out;
  int failed = 0;
  for (int32_t vector = 0; vector < test->vector_count; ++vector) {
    // A value of an earlier vector must never help.
    (void)memset(arena, 0x5A, (size_t)test->arena_bytes);
    for (int32_t i = 0; i < GUARD_BYTES; ++i) {
      arena[test->arena_bytes + i] = GUARD_VALUE;
    }
    in = load_inputs(test, arena, in);
    test->invoke(arena);
    if (differences(test, arena, &expected, vector) != 0) {
      failed = 1;
    }
    for (int32_t i = 0; i < GUARD_BYTES; ++i) {
      if (arena[test->arena_bytes + i] != GUARD_VALUE) {
        printf("%s wrote %d bytes behind its arena\n", test->name, (int)i + 1);
        return 1;
      }
    }
  }
  return failed;
}

// Runs a case in an arena of exactly its size, at an address that is a
// multiple of 16 and no more.
static int run_allocated(const test_case* test) {
  const size_t bytes = (size_t)test->arena_bytes + GUARD_BYTES;
  unsigned char* block = (unsigned char*)malloc(bytes + 32U);
  if (block == NULL) {
    printf("no memory for an arena of %d bytes\n", (int)test->arena_bytes);
    return 1;
  }
  unsigned char* end = block + bytes + 32U;
  unsigned char* arena = end - bytes;
  arena -= (uintptr_t)arena % 16U;
  const int failed = run_case(test, arena);
  free(block);
  return failed;
}

int main(void) {
  int32_t failed = 0;
  for (int32_t i = 0; i < test_case_count; ++i) {
    failed += run_allocated(&test_cases[i]);
  }
  printf("CASES %d FAILED %d\n", (int)test_case_count, (int)failed);
  return failed == 0 ? 0 : 1;
}
