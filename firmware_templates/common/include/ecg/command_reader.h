// Commands from the host: finds lines in a stream of characters, checks and
// decodes them. Garbage between lines is skipped; a bad line is reported.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/wire.h"

namespace ecg::wire {

// The sequence number reported for a line too damaged to carry one.
constexpr std::uint32_t kNoSequence = 0xFFFFFFFFU;

// How a line ended: kNone until one is complete.
enum class LineStatus : std::uint8_t {
  kNone,
  kOk,
  kBadCrc,
  kBadCommand,
  kBadArgument,
};

enum class CommandId : std::uint8_t {
#define ECG_RECORD_BEGIN(NAME)
#define ECG_RECORD_END(NAME)
#define ECG_COMMAND_BEGIN(NAME) k##NAME,
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name)
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"
};

// One decoded command: the member named by id is valid. Strings and bytes point
// into the reader and live until its next Feed().
struct Command {
  std::uint32_t sequence;
  CommandId id;
  struct {
#define ECG_RECORD_BEGIN(NAME)
#define ECG_RECORD_END(NAME)
#define ECG_COMMAND_BEGIN(NAME) wire::NAME NAME##_;
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name)
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"
  } as;
};

class CommandReader {
 public:
  // Takes one character. Anything but kNone means that a line ended with it;
  // command() is complete if kOk, else only its sequence may be known.
  LineStatus Feed(char c);

  const Command& command() const { return command_; }

 private:
  LineStatus Decode();

  char line_[kMaxLine];
  std::size_t length_ = 0;
  bool in_line_ = false;
  bool too_long_ = false;
  Command command_{};
};

}  // namespace ecg::wire
