// TFLM's messages: the component has a DebugLog() of its own, which would print
// between our records; the linker gives its callers this one (--wrap).
#include "tflm_log.h"

#include <cstdarg>
#include <cstdio>

#include "ecg/log_lines.h"

namespace {

// As long as TFLM's own messages get.
constexpr std::size_t kMessageBytes = 256;

}  // namespace

extern "C" void __wrap_DebugLog(const char* format, std::va_list arguments);

void __wrap_DebugLog(const char* format, std::va_list arguments) {
  char message[kMessageBytes];
  std::vsnprintf(message, sizeof(message), format, arguments);
  ecg::log_lines::Write(message);
}

namespace ecg {

void RouteTflmLog() {}

}  // namespace ecg
