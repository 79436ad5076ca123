#include "ecg/command_reader.h"

#include <cstring>

#include "ecg/crc32.h"

namespace ecg::wire {
namespace {

constexpr std::size_t kCrcDigits = 8;
// " *" and the digits.
constexpr std::size_t kTrailer = 2 + kCrcDigits;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

bool ParseDecimal(const char* text, std::uint64_t limit, std::uint64_t* value) {
  if (*text == '\0') {
    return false;
  }
  std::uint64_t sum = 0;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') {
      return false;
    }
    const auto digit = static_cast<std::uint64_t>(*text - '0');
    if (sum > (limit - digit) / 10) {
      return false;
    }
    sum = sum * 10 + digit;
  }
  *value = sum;
  return true;
}

// Walks over a zero-terminated payload, word by word, and decodes in place: no
// decoded field is longer than its text.
class Fields {
 public:
  explicit Fields(char* payload) : next_(payload) {}

  // The next word up to a space or the end, or null at the end.
  char* Word() {
    if (*next_ == '\0') {
      return nullptr;
    }
    char* const start = next_;
    while (*next_ != '\0' && *next_ != ' ') {
      ++next_;
    }
    if (*next_ == ' ') {
      *next_++ = '\0';
    }
    return start;
  }

  bool AtEnd() const { return *next_ == '\0'; }

  bool Unsigned(const char* name, std::uint64_t limit, std::uint64_t* value) {
    const char* const text = Value(name);
    return text != nullptr && ParseDecimal(text, limit, value);
  }

  bool Hex32(const char* name, std::uint64_t* value) {
    const char* text = Value(name);
    if (text == nullptr || std::strlen(text) != 10 ||
        std::strncmp(text, "0x", 2) != 0) {
      return false;
    }
    *value = 0;
    for (text += 2; *text != '\0'; ++text) {
      const int digit = HexDigit(*text);
      if (digit < 0) {
        return false;
      }
      *value = *value * 16 + static_cast<std::uint64_t>(digit);
    }
    return true;
  }

  bool Signed32(const char* name, std::int32_t* value) {
    const char* const text = Value(name);
    if (text == nullptr) {
      return false;
    }
    const bool negative = *text == '-';
    std::uint64_t size = 0;
    const std::uint64_t limit = negative ? 0x80000000U : 0x7FFFFFFFU;
    if (!ParseDecimal(negative ? text + 1 : text, limit, &size)) {
      return false;
    }
    const auto wide = static_cast<std::int64_t>(size);
    *value = static_cast<std::int32_t>(negative ? -wide : wide);
    return true;
  }

  bool String(const char* name, const char** value) {
    char* const text = Value(name);
    *value = text;
    return text != nullptr && PercentDecode(text);
  }

  bool Bytes(const char* name, ConstSpan* value) {
    char* const text = Value(name);
    return text != nullptr && HexDecode(text, value);
  }

 private:
  // The text behind "name=" if the next word is that field.
  char* Value(const char* name) {
    char* const word = Word();
    const std::size_t length = std::strlen(name);
    if (word == nullptr || std::strncmp(word, name, length) != 0 ||
        word[length] != '=') {
      return nullptr;
    }
    return word + length + 1;
  }

  static bool PercentDecode(char* text) {
    char* to = text;
    for (const char* from = text; *from != '\0'; ++from) {
      if (*from != '%') {
        *to++ = *from;
        continue;
      }
      const int high = HexDigit(from[1]);
      const int low = high < 0 ? -1 : HexDigit(from[2]);
      if (low < 0 || high * 16 + low == 0) {
        return false;
      }
      *to++ = static_cast<char>(high * 16 + low);
      from += 2;
    }
    *to = '\0';
    return true;
  }

  static bool HexDecode(char* text, ConstSpan* value) {
    auto* const bytes = reinterpret_cast<std::uint8_t*>(text);
    std::size_t count = 0;
    for (const char* from = text; *from != '\0'; from += 2) {
      const int high = HexDigit(from[0]);
      const int low = high < 0 ? -1 : HexDigit(from[1]);
      if (low < 0) {
        return false;
      }
      bytes[count++] = static_cast<std::uint8_t>(high * 16 + low);
    }
    *value = {bytes, count};
    return true;
  }

  char* next_;
};

bool ReadU32(Fields& fields, const char* name, std::uint32_t* out) {
  std::uint64_t value = 0;
  if (!fields.Unsigned(name, 0xFFFFFFFFU, &value)) {
    return false;
  }
  *out = static_cast<std::uint32_t>(value);
  return true;
}

[[maybe_unused]] bool ReadHex32(Fields& fields,
                                const char* name,
                                std::uint32_t* out) {
  std::uint64_t value = 0;
  if (!fields.Hex32(name, &value)) {
    return false;
  }
  *out = static_cast<std::uint32_t>(value);
  return true;
}

// ReadFields() of every struct: exactly its fields, in order, and no more.
#define ECG_RECORD_BEGIN(NAME)                                         \
  [[maybe_unused]] bool ReadFields(Fields& fields,                     \
                                   [[maybe_unused]] wire::NAME* out) { \
    bool ok = true;
#define ECG_RECORD_END(NAME)   \
  return ok && fields.AtEnd(); \
  }
#define ECG_COMMAND_BEGIN(NAME) ECG_RECORD_BEGIN(NAME)
#define ECG_COMMAND_END(NAME) ECG_RECORD_END(NAME)
#define ECG_FIELD_U32(name) ok = ok && ReadU32(fields, #name, &out->name);
#define ECG_FIELD_U64(name) \
  ok = ok && fields.Unsigned(#name, 0xFFFFFFFFFFFFFFFFU, &out->name);
#define ECG_FIELD_I32(name) ok = ok && fields.Signed32(#name, &out->name);
#define ECG_FIELD_HEX32(name) ok = ok && ReadHex32(fields, #name, &out->name);
#define ECG_FIELD_STR(name) ok = ok && fields.String(#name, &out->name);
#define ECG_FIELD_BYTES(name) ok = ok && fields.Bytes(#name, &out->name);
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"

// Checks " *XXXXXXXX" at the end of the line against the payload before it.
bool HasRightCrc(const char* line, std::size_t length) {
  if (length < kTrailer) {
    return false;
  }
  const char* const trailer = line + length - kTrailer;
  if (trailer[0] != ' ' || trailer[1] != '*') {
    return false;
  }
  std::uint32_t sent = 0;
  for (std::size_t i = 0; i < kCrcDigits; ++i) {
    const int digit = HexDigit(trailer[2 + i]);
    if (digit < 0) {
      return false;
    }
    sent = sent * 16 + static_cast<std::uint32_t>(digit);
  }
  Crc32 crc;
  crc.Add(line, length - kTrailer);
  return crc.value() == sent;
}

}  // namespace

LineStatus CommandReader::Feed(char c) {
  if (c ==
      '$') {  // A '$' starts a line wherever it stands: none holds another.
    in_line_ = true;
    too_long_ = false;
    length_ = 0;
    return LineStatus::kNone;
  }
  if (!in_line_) {
    return LineStatus::kNone;
  }
  // Terminals end a line with either or with both; the second finds no line.
  if (c == '\n' || c == '\r') {
    in_line_ = false;
    return Decode();
  }
  if (length_ + 1 >= kMaxLine) {  // One place stays for the terminating zero.
    too_long_ = true;
    return LineStatus::kNone;
  }
  line_[length_++] = c;
  return LineStatus::kNone;
}

LineStatus CommandReader::Decode() {
  command_ = {};
  command_.sequence = kNoSequence;
  const bool intact = !too_long_ && HasRightCrc(line_, length_);
  line_[intact ? length_ - kTrailer : length_] = '\0';

  Fields fields(line_);
  const char* const sequence = fields.Word();
  std::uint64_t number = 0;
  if (sequence != nullptr && ParseDecimal(sequence, 0xFFFFFFFFU, &number)) {
    command_.sequence = static_cast<std::uint32_t>(number);
  }
  if (!intact) {
    return LineStatus::kBadCrc;
  }
  const char* const name = fields.Word();
  if (name == nullptr) {
    return LineStatus::kBadCommand;
  }
#define ECG_RECORD_BEGIN(NAME)
#define ECG_RECORD_END(NAME)
#define ECG_COMMAND_BEGIN(NAME)                     \
  if (std::strcmp(name, #NAME) == 0) {              \
    command_.id = CommandId::k##NAME;               \
    return ReadFields(fields, &command_.as.NAME##_) \
               ? LineStatus::kOk                    \
               : LineStatus::kBadArgument;          \
  }
#define ECG_COMMAND_END(NAME)
#define ECG_FIELD_U32(name)
#define ECG_FIELD_U64(name)
#define ECG_FIELD_I32(name)
#define ECG_FIELD_HEX32(name)
#define ECG_FIELD_STR(name)
#define ECG_FIELD_BYTES(name)
#include "ecg/wire_records.def"
#include "ecg/wire_undef.h"
  return LineStatus::kBadCommand;
}

}  // namespace ecg::wire
