// TFLM's messages: its DebugLog() is left to the application.
#include "tflm_log.h"

#include <cstdarg>
#include <cstdio>

#include "ecg/log_lines.h"

namespace {

// As long as TFLM's own messages get.
constexpr std::size_t kMessageBytes = 256;

}  // namespace

extern "C" {

void DebugLog(const char* format, std::va_list arguments) {
  char message[kMessageBytes];
  std::vsnprintf(message, sizeof(message), format, arguments);
  ecg::log_lines::Write(message);
}

// Some revisions of TFLM call it by the second name.
int DebugVsnprintf(char* buffer,
                   std::size_t buffer_bytes,
                   const char* format,
                   std::va_list arguments) {
  return std::vsnprintf(buffer, buffer_bytes, format, arguments);
}

int DebugLogVsnprintf(char* buffer,
                      std::size_t buffer_bytes,
                      const char* format,
                      std::va_list arguments) {
  return std::vsnprintf(buffer, buffer_bytes, format, arguments);
}

}  // extern "C"

namespace ecg {

void RouteTflmLog() {}

}  // namespace ecg
