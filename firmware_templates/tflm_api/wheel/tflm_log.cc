// TFLM in the wheel prints with vfprintf(stderr, ...). The C library lets a
// program put another stream into that variable: one that ends in log_lines.
// What does not use the variable, as sanitizers, still reaches descriptor 2.
#include "tflm_log.h"

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "ecg/log_lines.h"

namespace ecg {
namespace {

ssize_t WriteLog(void*, const char* text, std::size_t bytes) {
  constexpr std::size_t kPiece = 128;
  for (std::size_t at = 0; at < bytes; at += kPiece) {
    char piece[kPiece + 1];
    const std::size_t length = std::min(kPiece, bytes - at);
    std::memcpy(piece, text + at, length);
    piece[length] = '\0';
    log_lines::Write(piece);
  }
  return static_cast<ssize_t>(bytes);
}

}  // namespace

void RouteTflmLog() {
  cookie_io_functions_t functions = {};
  functions.write = WriteLog;
  FILE* const stream = fopencookie(nullptr, "w", functions);
  if (stream == nullptr) {
    return;  // Messages stay on the old stream; nothing else depends on them.
  }
  std::setvbuf(stream, nullptr, _IONBF, 0);
  stderr = stream;
}

}  // namespace ecg
