#include "ecg/wire.h"

#include "ecg/board.h"
#include "ecg/crc32.h"

namespace ecg::wire {
namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";
constexpr char kLowerHex[] = "0123456789abcdef";

std::uint32_t next_sequence = 0;
bool line_is_open = false;

bool IsPlain(char c) {
  return c > ' ' && c < '\x7F' && c != '%' && c != '*' && c != '$';
}

// One line on its way to the console: '$', payload, CRC. The field functions
// are kept out of line: there are some eighty calls.
class Line {
 public:
  // string_limit: encoded characters that each STR field may take.
  Line(const char* name, std::size_t string_limit);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void Number(const char* name, std::uint64_t value);
  void Signed(const char* name, std::int32_t value);
  void Hex32(const char* name, std::uint32_t value);
  void String(const char* name, const char* value);
  void Bytes(const char* name, ConstSpan value);

 private:
  void Put(char c);
  void Text(const char* text);
  void Name(const char* name);
  void Decimal(std::uint64_t value);
  void Encoded(char c);

  Crc32 crc_;
  std::size_t string_limit_;
};

[[gnu::noinline]] Line::Line(const char* name, std::size_t string_limit)
    : string_limit_(string_limit) {
  line_is_open = true;
  board::PutChar('$');
  Decimal(next_sequence);
  Put(' ');
  Text(name);
  ++next_sequence;
}

// The CRC covers neither the space before the '*' nor what follows.
[[gnu::noinline]] Line::~Line() {
  const std::uint32_t crc = crc_.value();
  board::PutChar(' ');
  board::PutChar('*');
  for (int shift = 28; shift >= 0; shift -= 4) {
    board::PutChar(kUpperHex[(crc >> shift) & 0xFU]);
  }
  board::PutChar('\n');
  line_is_open = false;
}

[[gnu::noinline]] void Line::Number(const char* name, std::uint64_t value) {
  Name(name);
  Decimal(value);
}

[[gnu::noinline]] void Line::Signed(const char* name, std::int32_t value) {
  Name(name);
  const std::int64_t wide = value;
  if (wide < 0) {
    Put('-');
  }
  Decimal(static_cast<std::uint64_t>(wide < 0 ? -wide : wide));
}

[[gnu::noinline]] void Line::Hex32(const char* name, std::uint32_t value) {
  Name(name);
  Text("0x");
  for (int shift = 28; shift >= 0; shift -= 4) {
    Put(kLowerHex[(value >> shift) & 0xFU]);
  }
}

[[gnu::noinline]] void Line::String(const char* name, const char* value) {
  Name(name);
  std::size_t used = 0;
  for (const char* c = value; *c != '\0'; ++c) {
    used += EncodedLength(*c);
    if (used > string_limit_) {
      return;
    }
    Encoded(*c);
  }
}

[[gnu::noinline]] void Line::Bytes(const char* name, ConstSpan value) {
  Name(name);
  for (std::size_t i = 0; i < value.bytes && i < kChunkBytes; ++i) {
    Put(kLowerHex[value.data[i] >> 4]);
    Put(kLowerHex[value.data[i] & 0xFU]);
  }
}

[[gnu::noinline]] void Line::Put(char c) {
  crc_.Add(static_cast<std::uint8_t>(c));
  board::PutChar(c);
}

[[gnu::noinline]] void Line::Text(const char* text) {
  for (; *text != '\0'; ++text) {
    Put(*text);
  }
}

[[gnu::noinline]] void Line::Name(const char* name) {
  Put(' ');
  Text(name);
  Put('=');
}

[[gnu::noinline]] void Line::Decimal(std::uint64_t value) {
  char digits[20];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (count > 0) {
    Put(digits[--count]);
  }
}

void Line::Encoded(char c) {
  if (IsPlain(c)) {
    Put(c);
    return;
  }
  const auto byte = static_cast<std::uint8_t>(c);
  Put('%');
  Put(kUpperHex[byte >> 4]);
  Put(kUpperHex[byte & 0xFU]);
}

// Longest line of each record with empty strings; the strings share the rest.
// sizeof(#name) counts '=' in place of the terminating zero, the 1 the space.
#define ECG_RECORD_BEGIN(NAME) \
  constexpr std::size_t kFixed##NAME = kFrame + sizeof(#NAME)
#define ECG_COMMAND_BEGIN(NAME) ECG_RECORD_BEGIN(NAME)
#define ECG_FIELD_U32(name) +1 + sizeof(#name) + 10
#define ECG_FIELD_U64(name) +1 + sizeof(#name) + 20
#define ECG_FIELD_I32(name) +1 + sizeof(#name) + 11
#define ECG_FIELD_HEX32(name) +1 + sizeof(#name) + 10
#define ECG_FIELD_STR(name) +1 + sizeof(#name)
#define ECG_FIELD_BYTES(name) +1 + sizeof(#name) + 2 * kChunkBytes
#define ECG_RECORD_END(NAME) \
  ;                          \
  static_assert(kFixed##NAME <= kMaxLine, #NAME " does not fit into a line");
#define ECG_COMMAND_END(NAME) ECG_RECORD_END(NAME)
constexpr std::size_t kFrame = sizeof("$4294967295 ") + sizeof(" *00000000\n");
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"

#define ECG_RECORD_BEGIN(NAME) \
  [[maybe_unused]] constexpr std::size_t kStrings##NAME = 0
#define ECG_RECORD_END(NAME) ;
#define ECG_COMMAND_BEGIN(NAME) ECG_RECORD_BEGIN(NAME)
#define ECG_COMMAND_END(NAME) ;
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name) +1
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"

constexpr std::size_t StringLimit(std::size_t fixed, std::size_t strings) {
  return strings == 0 ? 0 : (kMaxLine - fixed) / strings;
}

}  // namespace

#define ECG_RECORD_BEGIN(NAME)    \
  void Emit(const NAME& record) { \
    Line line(#NAME, StringLimit(kFixed##NAME, kStrings##NAME));
#define ECG_RECORD_END(NAME) }
#define ECG_COMMAND_BEGIN(NAME)                    \
  void Emit([[maybe_unused]] const NAME& record) { \
    Line line(#NAME, StringLimit(kFixed##NAME, kStrings##NAME));
#define ECG_COMMAND_END(NAME) }
#define ECG_FIELD_U32(name) line.Number(#name, record.name);
#define ECG_FIELD_U64(name) line.Number(#name, record.name);
#define ECG_FIELD_I32(name) line.Signed(#name, record.name);
#define ECG_FIELD_HEX32(name) line.Hex32(#name, record.name);
#define ECG_FIELD_STR(name) line.String(#name, record.name);
#define ECG_FIELD_BYTES(name) line.Bytes(#name, record.name);
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"

std::size_t EncodedLength(char c) { return IsPlain(c) ? 1 : 3; }

void AbandonLine() {
  if (line_is_open) {
    board::PutChar('\n');
    line_is_open = false;
  }
}

}  // namespace ecg::wire
