// Records to the host: one struct a record, and Emit() for each, both made from
// wire_records.def. Lines go straight to the console; nothing is buffered.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/span.h"

namespace ecg::wire {

#define ECG_RECORD_BEGIN(NAME)
#define ECG_RECORD_END(NAME)
#define ECG_COMMAND_BEGIN(NAME)
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name)
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"

constexpr std::uint32_t kVersion = ECG_WIRE_VERSION;
constexpr std::size_t kMaxLine = ECG_WIRE_MAX_LINE;
constexpr std::size_t kChunkBytes = ECG_WIRE_CHUNK;

// Records and commands as plain structs with their fields in the wire's order:
// Emit(BANNER{...}). Strings must not be null; they are cut to what fits.
#define ECG_RECORD_BEGIN(NAME) struct NAME {
#define ECG_RECORD_END(NAME) \
  }                          \
  ;
#define ECG_COMMAND_BEGIN(NAME) ECG_RECORD_BEGIN(NAME)
#define ECG_COMMAND_END(NAME) ECG_RECORD_END(NAME)
#define ECG_FIELD_U32(name) std::uint32_t name;
#define ECG_FIELD_U64(name) std::uint64_t name;
#define ECG_FIELD_I32(name) std::int32_t name;
#define ECG_FIELD_HEX32(name) std::uint32_t name;
#define ECG_FIELD_STR(name) const char* name;
#define ECG_FIELD_BYTES(name) ConstSpan name;
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"

// Sends one line and counts it. Firmware sends records; commands are for tests
// of the parser.
#define ECG_RECORD_BEGIN(NAME) void Emit(const NAME& record);
#define ECG_RECORD_END(NAME)
#define ECG_COMMAND_BEGIN(NAME) void Emit(const NAME& record);
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name)
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"

// Encoded characters that a character of a STR field takes: 1, or 3 as %XX.
std::size_t EncodedLength(char c);

// Ends a line that was interrupted, so that the next record starts on a fresh
// one. For the fault handler; elsewhere lines are always whole.
void AbandonLine();

// A size as a wire number; sizes on the targets are below 4 GiB.
constexpr std::uint32_t U32(std::size_t value) {
  return static_cast<std::uint32_t>(value);
}

}  // namespace ecg::wire
