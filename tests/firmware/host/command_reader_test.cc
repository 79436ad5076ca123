// Commands: decoding, refusing, and finding lines in garbage.
#include "ecg/command_reader.h"

#include <strings.h>

#include <cstring>
#include <random>

#include "check.h"
#include "fake_board.h"

namespace wire = ecg::wire;
using wire::CommandId;
using wire::LineStatus;

namespace {

// The status that the last character led to.
LineStatus Feed(wire::CommandReader& reader, const std::string& text) {
  LineStatus status = LineStatus::kNone;
  for (const char c : text) {
    status = reader.Feed(c);
  }
  return status;
}

int Status(LineStatus status) { return static_cast<int>(status); }

}  // namespace

ECG_TEST(CommandsAreDecoded) {
  wire::CommandReader reader;
  EXPECT_EQ(Status(Feed(reader, fake::Framed(7, "HELLO"))),
            Status(LineStatus::kOk));
  EXPECT_EQ(reader.command().sequence, 7U);
  EXPECT_TRUE(reader.command().id == CommandId::kHELLO);
  EXPECT_EQ(
      Status(Feed(reader, fake::Framed(8, "BENCH warmup=2 runs=10 profile=1"))),
      Status(LineStatus::kOk));
  EXPECT_EQ(reader.command().as.BENCH_.runs, 10U);
  EXPECT_EQ(reader.command().as.BENCH_.profile, 1U);
  EXPECT_EQ(Status(Feed(reader, fake::Framed(9, "INJECT kind=a%20b"))),
            Status(LineStatus::kOk));
  EXPECT_EQ(std::string(reader.command().as.INJECT_.kind), "a b");
}

ECG_TEST(BytesAreDecoded) {
  wire::CommandReader reader;
  EXPECT_EQ(Status(Feed(reader,
                        fake::Framed(
                            0, "WRITE input=1 offset=4294967295 data=00fF7e"))),
            Status(LineStatus::kOk));
  const wire::WRITE& write = reader.command().as.WRITE_;
  EXPECT_EQ(write.offset, 4294967295U);
  EXPECT_EQ(write.data.bytes, 3U);
  EXPECT_EQ(std::memcmp(write.data.data, "\x00\xFF\x7E", 3), 0);
  EXPECT_EQ(
      Status(Feed(reader, fake::Framed(0, "WRITE input=1 offset=0 data="))),
      Status(LineStatus::kOk));
  EXPECT_EQ(reader.command().as.WRITE_.data.bytes, 0U);
}

ECG_TEST(WhatTheWriterEncodesTheReaderDecodes) {
  std::uint8_t bytes[wire::kChunkBytes];
  for (std::size_t i = 0; i < sizeof(bytes); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 37);
  }
  wire::Emit(wire::WRITE{3, 9, {bytes, sizeof(bytes)}});
  wire::Emit(wire::INJECT{"% $*\n\xFF"});
  wire::CommandReader reader;
  const std::string text = fake::console_output;
  const auto second = text.find('\n') + 1;
  EXPECT_EQ(Status(Feed(reader, text.substr(0, second))),
            Status(LineStatus::kOk));
  EXPECT_EQ(reader.command().as.WRITE_.data.bytes, sizeof(bytes));
  EXPECT_EQ(
      std::memcmp(reader.command().as.WRITE_.data.data, bytes, sizeof(bytes)),
      0);
  EXPECT_EQ(Status(Feed(reader, text.substr(second))), Status(LineStatus::kOk));
  EXPECT_EQ(std::string(reader.command().as.INJECT_.kind), "% $*\n\xFF");
}

ECG_TEST(WrongArgumentsAreRefusedWithTheirSequence) {
  const char* const kWrong[] = {
      "HELLO extra=1",
      "READ",
      "READ output=",
      "READ output=-1",
      "READ output=4294967296",
      "READ output=99999999999999999999999",
      "READ output=0x1",
      "READ output=1 output=2",
      "READ input=1",
      "READ output",
      "BENCH runs=1 warmup=1 profile=0",
      "WRITE input=0 offset=0 data=0",
      "WRITE input=0 offset=0 data=0g",
      "WRITE input=0 offset=0",
      "INJECT kind=%",
      "INJECT kind=%2",
      "INJECT kind=%zz",
      "INJECT kind=a%00b",
  };
  wire::CommandReader reader;
  for (const char* const wrong : kWrong) {
    const LineStatus status = Feed(reader, fake::Framed(41, wrong));
    if (status != LineStatus::kBadArgument || reader.command().sequence != 41) {
      check::Fail(__FILE__, __LINE__, wrong);
    }
  }
}

ECG_TEST(UnknownCommandsAreRefused) {
  wire::CommandReader reader;
  for (const char* const wrong :
       {"NOPE", "hello", "HELLOO", "BANNER", "HELL", ""}) {
    EXPECT_EQ(Status(Feed(reader, fake::Framed(3, wrong))),
              Status(LineStatus::kBadCommand));
    EXPECT_EQ(reader.command().sequence, 3U);
  }
}

ECG_TEST(DamagedLinesAreReportedWithTheirSequenceIfItIsLegible) {
  wire::CommandReader reader;
  std::string line = fake::Framed(12, "READ output=1");
  line[line.find('1', 4)] = '2';
  EXPECT_EQ(Status(Feed(reader, line)), Status(LineStatus::kBadCrc));
  EXPECT_EQ(reader.command().sequence, 12U);
  for (const char* const wrong : {"$\n",
                                  "$ *\n",
                                  "$x *00000000\n",
                                  "$1 HELLO\n",
                                  "$1 HELLO *0000000\n",
                                  "$1 HELLO*00000000\n"}) {
    EXPECT_EQ(Status(Feed(reader, wrong)), Status(LineStatus::kBadCrc));
  }
  EXPECT_EQ(Status(Feed(reader, "$nonsense *12345678\n")),
            Status(LineStatus::kBadCrc));
  EXPECT_EQ(reader.command().sequence, wire::kNoSequence);
}

ECG_TEST(TooLongALineIsOneBadLine) {
  wire::CommandReader reader;
  const std::string line =
      fake::Framed(5, "INJECT kind=" + std::string(3000, 'a'));
  EXPECT_EQ(Status(Feed(reader, line)), Status(LineStatus::kBadCrc));
  EXPECT_EQ(reader.command().sequence, 5U);
  EXPECT_EQ(Status(Feed(reader, fake::Framed(6, "HELLO"))),
            Status(LineStatus::kOk));
}

ECG_TEST(TheLongestLineFits) {
  wire::CommandReader reader;
  const std::string empty = fake::Framed(5, "INJECT kind=");
  const std::string line = fake::Framed(
      5, "INJECT kind=" + std::string(wire::kMaxLine - empty.size(), 'a'));
  EXPECT_EQ(line.size(), wire::kMaxLine);
  EXPECT_EQ(Status(Feed(reader, line)), Status(LineStatus::kOk));
}

ECG_TEST(ALineIsFoundInGarbage) {
  wire::CommandReader reader;
  EXPECT_EQ(Status(Feed(reader, "boot noise\n\xFF\x00 more$3 REA")),
            Status(LineStatus::kNone));
  EXPECT_EQ(Status(Feed(reader, fake::Framed(4, "HELLO"))),
            Status(LineStatus::kOk));
  EXPECT_EQ(Status(Feed(reader, "no line\n")), Status(LineStatus::kNone));
}

ECG_TEST(EveryTerminalsLineEndEndsACommandOnce) {
  for (const char* end : {"\n", "\r", "\r\n"}) {
    wire::CommandReader reader;
    std::string line = fake::Framed(4, "HELLO");
    line.pop_back();
    int commands = 0;
    for (const char c : line + end + line + end) {
      const LineStatus status = reader.Feed(c);
      EXPECT_TRUE(status == LineStatus::kNone || status == LineStatus::kOk);
      commands += status == LineStatus::kOk ? 1 : 0;
    }
    EXPECT_EQ(commands, 2);
  }
}

ECG_TEST(RandomCharactersNeverMakeACommand) {
  std::mt19937 random(1);
  const std::string alphabet = "$ *%=\n\r0123456789abcdefHELOWRITE";
  wire::CommandReader reader;
  for (int i = 0; i < 300'000; ++i) {
    const bool any = random() % 4 == 0;
    const char c = any ? static_cast<char>(random())
                       : alphabet[random() % alphabet.size()];
    EXPECT_TRUE(reader.Feed(c) != LineStatus::kOk);
  }
}

ECG_TEST(DamagedCommandsAreNeverTakenForGood) {
  std::mt19937 random(2);
  const std::string good =
      fake::Framed(1, "WRITE input=0 offset=4 data=0123456789abcdef");
  for (int i = 0; i < 20'000; ++i) {
    std::string line = good;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int change = 0; change < changes; ++change) {
      line[random() % (line.size() - 1)] = static_cast<char>(random());
    }
    wire::CommandReader reader;
    if (strcasecmp(line.c_str(), good.c_str()) != 0) {  // The CRC in any case.
      EXPECT_TRUE(Feed(reader, line) != LineStatus::kOk);
    }
  }
}
