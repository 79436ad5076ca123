// Column writer of kernels that keep bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tgk/columns.h"

static inline void tgk_copy_bytes(void* to, const int8_t* from, int32_t count) {
  (void)memcpy(to, from, (size_t)count);
}

static inline void tgk_fill_bytes_with(void* to, int32_t value, int32_t count) {
  (void)memset(to, value, (size_t)count);
}

static const tgk_column_writer tgk_byte_writer = {
    .copy = tgk_copy_bytes,
    .fill = tgk_fill_bytes_with,
    .element_bytes = 1,
};
