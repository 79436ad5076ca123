// The firmware's own wire code, built for the host, as a partner for the Python
// side: "emit" sends every record, "echo" answers every line on standard input
// with DONE and, if it was a command, with that command as it was understood.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "ecg/board.h"
#include "ecg/command_reader.h"
#include "ecg/wire.h"

namespace ecg {

namespace board {

void PutChar(char c) { std::putchar(c); }

}  // namespace board

namespace {

constexpr int kVariants = 4;

std::array<std::uint8_t, 2000> bytes;
std::array<char, 2001> long_text;

std::uint32_t U32(int variant) {
  constexpr std::array<std::uint32_t, kVariants> kValues = {
      0, 1, 305419896, std::numeric_limits<std::uint32_t>::max()};
  return kValues[static_cast<std::size_t>(variant)];
}

std::uint64_t U64(int variant) {
  constexpr std::array<std::uint64_t, kVariants> kValues = {
      0, 1, 1311768467463790320U, std::numeric_limits<std::uint64_t>::max()};
  return kValues[static_cast<std::size_t>(variant)];
}

std::int32_t I32(int variant) {
  constexpr std::array<std::int32_t, kVariants> kValues = {
      0,
      -1,
      std::numeric_limits<std::int32_t>::max(),
      std::numeric_limits<std::int32_t>::min()};
  return kValues[static_cast<std::size_t>(variant)];
}

const char* Str(int variant) {
  const std::array<const char*, kVariants> kValues = {
      "", "CONV_2D", "a b%*$=\n\x01\x7F\xC3\xA9", long_text.data()};
  return kValues[static_cast<std::size_t>(variant)];
}

ConstSpan Bytes(int variant) {
  constexpr std::array<std::size_t, kVariants> kSizes = {
      0, 1, 256, wire::kChunkBytes};
  return {bytes.data(), kSizes[static_cast<std::size_t>(variant)]};
}

void EmitAll(int variant) {
#define ECG_RECORD_BEGIN(NAME) wire::Emit(wire::NAME{
#define ECG_RECORD_END(NAME) \
  })                         \
  ;
#define ECG_COMMAND_BEGIN(NAME)
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name) U32(variant),
#define ECG_FIELD_U64(name) U64(variant),
#define ECG_FIELD_I32(name) I32(variant),
#define ECG_FIELD_HEX32(name) U32(variant),
#define ECG_FIELD_STR(name) Str(variant),
#define ECG_FIELD_BYTES(name) Bytes(variant),
  // The fields of commands stand between records here; they must make nothing.
// The order is the point.
// clang-format off
#include "records_only.def"
#include "ecg/wire_undef.h"
  // clang-format on
}

const char* Name(wire::LineStatus status) {
  switch (status) {
    case wire::LineStatus::kOk:
      return "ok";
    case wire::LineStatus::kBadCrc:
      return "bad_crc";
    case wire::LineStatus::kBadCommand:
      return "bad_command";
    case wire::LineStatus::kBadArgument:
      return "bad_argument";
    default:
      return "none";
  }
}

void EchoCommand(const wire::Command& command) {
  switch (command.id) {
#define ECG_RECORD_BEGIN(NAME)
#define ECG_RECORD_END(NAME)
#define ECG_COMMAND_BEGIN(NAME)     \
  case wire::CommandId::k##NAME:    \
    wire::Emit(command.as.NAME##_); \
    break;
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name)
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"
  }
}

void Echo() {
  static wire::CommandReader reader;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    const wire::LineStatus status = reader.Feed(static_cast<char>(c));
    if (status == wire::LineStatus::kNone) {
      continue;
    }
    wire::Emit(wire::DONE{reader.command().sequence, Name(status)});
    if (status == wire::LineStatus::kOk) {
      EchoCommand(reader.command());
    }
  }
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) {
  for (std::size_t i = 0; i < ecg::bytes.size(); ++i) {
    ecg::bytes[i] = static_cast<std::uint8_t>(i);
  }
  ecg::long_text.fill('x');
  ecg::long_text.back() = '\0';
  if (argc == 2 && std::strcmp(argv[1], "emit") == 0) {
    for (int variant = 0; variant < ecg::kVariants; ++variant) {
      ecg::EmitAll(variant);
    }
    return EXIT_SUCCESS;
  }
  if (argc == 2 && std::strcmp(argv[1], "echo") == 0) {
    ecg::Echo();
    return EXIT_SUCCESS;
  }
  return EXIT_FAILURE;
}
