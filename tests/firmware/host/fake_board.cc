#include "fake_board.h"

#include <array>
#include <cstdio>

#include "check.h"
#include "ecg/board.h"
#include "ecg/crc32.h"

namespace fake {

std::string console_input;
std::string console_output;
std::uint64_t ticks = 1000;
std::uint64_t ticks_per_read = 7;

namespace {

std::size_t next_input = 0;
alignas(16) std::array<std::uint8_t, 4096> stack;

std::string Crc(const std::string& payload) {
  ecg::Crc32 crc;
  crc.Add(payload.data(), payload.size());
  char text[9];
  std::snprintf(text, sizeof(text), "%08X", static_cast<unsigned>(crc.value()));
  return text;
}

}  // namespace

std::vector<std::string> TakeLines() {
  std::vector<std::string> lines;
  std::string::size_type start = 0;
  for (;;) {
    const auto end = console_output.find('\n', start);
    if (end == std::string::npos) {
      break;
    }
    lines.push_back(console_output.substr(start, end - start));
    start = end + 1;
  }
  EXPECT_EQ(console_output.substr(start), "");
  console_output.clear();
  return lines;
}

std::string Framed(std::uint32_t sequence, const std::string& command) {
  const std::string payload = std::to_string(sequence) + " " + command;
  return "$" + payload + " *" + Crc(payload) + "\n";
}

std::string Payload(const std::string& line) {
  EXPECT_TRUE(line.size() > 12 && line[0] == '$');
  const std::string payload = line.substr(1, line.size() - 11);
  EXPECT_EQ(line, "$" + payload + " *" + Crc(payload));
  EXPECT_TRUE(line.size() < 1024);
  return payload.substr(payload.find(' ') + 1);
}

std::vector<std::string> Records(const std::vector<std::string>& lines,
                                 const std::string& name) {
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    const std::string payload = Payload(line);
    if (payload.substr(0, payload.find(' ')) == name) {
      found.push_back(payload);
    }
  }
  return found;
}

}  // namespace fake

namespace ecg::board {

void Init() {}

void PutChar(char c) { fake::console_output += c; }

int GetChar() {
  if (fake::next_input >= fake::console_input.size()) {
    return -1;
  }
  return static_cast<unsigned char>(fake::console_input[fake::next_input++]);
}

std::uint64_t Ticks() { return fake::ticks += fake::ticks_per_read; }

std::uint64_t TickHz() { return 1'000'000; }

const char* TickSource() { return "fake"; }

Span Stack() { return {fake::stack.data(), fake::stack.size()}; }

void Halt(int status) { throw fake::Halted{status}; }

}  // namespace ecg::board
