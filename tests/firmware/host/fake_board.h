// A board made of a string to read, a string written, and a settable counter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fake {

// Thrown by board::Halt().
struct Halted {
  int status;
};

extern std::string console_input;
extern std::string console_output;
extern std::uint64_t ticks;
// What each look at the counter adds; 0 is a counter that stands still.
extern std::uint64_t ticks_per_read;

// Lines written so far without their line ends; forgets them.
std::vector<std::string> TakeLines();

// A command line with sequence number and CRC: Framed(0, "HELLO").
std::string Framed(std::uint32_t sequence, const std::string& command);

// Checks frame and CRC of a line and returns the payload less its sequence.
std::string Payload(const std::string& line);

// The payloads of the lines that start with this record name.
std::vector<std::string> Records(const std::vector<std::string>& lines,
                                 const std::string& name);

}  // namespace fake
