#include "ecg/log_lines.h"

#include <cstddef>

#include "ecg/wire.h"

namespace ecg::log_lines {
namespace {

// All of them encoded as %XX still fit into a line.
constexpr std::size_t kMaxText = 256;
static_assert(3 * kMaxText + 64 <= wire::kMaxLine, "LOG must hold any text");

char line[kMaxText + 1];
std::size_t length = 0;
bool muted = false;

}  // namespace

void Mute(bool is_muted) {
  Flush();
  muted = is_muted;
}

void Flush() {
  if (length == 0) {
    return;
  }
  line[length] = '\0';
  length = 0;
  wire::Emit(wire::LOG{line});
}

void Write(const char* text) {
  for (; !muted && *text != '\0'; ++text) {
    if (*text == '\n' || *text == '\r') {
      Flush();
      continue;
    }
    if (length == kMaxText) {
      Flush();
    }
    line[length++] = *text;
  }
}

}  // namespace ecg::log_lines
