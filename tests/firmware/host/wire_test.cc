// Records, CRC, framing, text in records.
#include "ecg/wire.h"

#include <cstring>

#include "check.h"
#include "ecg/crc32.h"
#include "ecg/fault.h"
#include "ecg/log_lines.h"
#include "ecg/progress.h"
#include "fake_board.h"

namespace wire = ecg::wire;

ECG_TEST(CrcOfTheCheckString) {
  ecg::Crc32 crc;
  crc.Add("123456789", 9);
  EXPECT_EQ(crc.value(), 0xCBF43926U);
}

ECG_TEST(CrcDoesNotDependOnTheSplit) {
  ecg::Crc32 crc;
  crc.Add("1234", 4);
  crc.Add(static_cast<std::uint8_t>('5'));
  crc.Add("6789", 4);
  EXPECT_EQ(crc.value(), 0xCBF43926U);
  EXPECT_EQ(ecg::Crc32().value(), 0U);
}

ECG_TEST(EveryFieldTypeIsWritten) {
  wire::Emit(wire::TIMER{"clock", 18446744073709551615U, 1, 0});
  wire::Emit(wire::SELFTEST{4294967295U, 0, -2147483647 - 1});
  const std::uint8_t bytes[] = {0x00, 0x0F, 0xF0, 0xFF};
  wire::Emit(wire::OUTPUT{1, 2, 3, {bytes, sizeof(bytes)}});
  const auto lines = fake::TakeLines();
  EXPECT_EQ(fake::Payload(lines[0]),
            "TIMER source=clock hz=18446744073709551615 advancing=1 "
            "read_overhead_ticks=0");
  EXPECT_EQ(fake::Payload(lines[1]),
            "SELFTEST bytes=4294967295 equal=0 first_difference=-2147483648");
  EXPECT_EQ(fake::Payload(lines[2]),
            "OUTPUT index=1 offset=2 total=3 data=000ff0ff");
}

ECG_TEST(SequenceNumbersCountLines) {
  wire::Emit(wire::PHASE{"a"});
  wire::Emit(wire::PHASE{"b"});
  const auto lines = fake::TakeLines();
  EXPECT_EQ(lines[0].substr(0, 3), "$0 ");
  EXPECT_EQ(lines[1].substr(0, 3), "$1 ");
}

ECG_TEST(StringsAreEncoded) {
  wire::Emit(wire::PHASE{"a b%c*d$e\n\x80\x7F=~"});
  EXPECT_EQ(fake::Payload(fake::TakeLines()[0]),
            "PHASE name=a%20b%25c%2Ad%24e%0A%80%7F=~");
}

ECG_TEST(LongStringsAreCutToTheLine) {
  const std::string text(5000, ' ');
  wire::Emit(wire::BANNER{1,
                          text.c_str(),
                          text.c_str(),
                          text.c_str(),
                          text.c_str(),
                          text.c_str(),
                          text.c_str(),
                          4294967295U,
                          0,
                          text.c_str()});
  wire::Emit(wire::LOG{text.c_str()});
  for (const std::string& line : fake::TakeLines()) {
    EXPECT_TRUE(line.size() > 900 && line.size() < 1024);
    EXPECT_EQ(fake::Payload(line).empty(), false);
  }
}

ECG_TEST(ChunksAreCutToTheLine) {
  const std::uint8_t bytes[2000] = {};
  wire::Emit(
      wire::OUTPUT{4294967295U, 4294967295U, 4294967295U, {bytes, 2000}});
  const std::string line = fake::TakeLines()[0];
  EXPECT_TRUE(line.size() < wire::kMaxLine);
  EXPECT_TRUE(line.find(std::string(2 * wire::kChunkBytes, '0')) !=
              std::string::npos);
}

ECG_TEST(LogTextBecomesWholeLines) {
  ecg::log_lines::Write("one ");
  ecg::log_lines::Write("two\r\nthree\n\n");
  ecg::log_lines::Write("rest");
  EXPECT_EQ(fake::Records(fake::TakeLines(), "LOG").size(), 2U);
  ecg::log_lines::Flush();
  ecg::log_lines::Flush();
  const auto lines = fake::TakeLines();
  EXPECT_EQ(lines.size(), 1U);
  EXPECT_EQ(fake::Payload(lines[0]), "LOG text=rest");
}

ECG_TEST(EndlessLogTextIsSplitAndComplete) {
  const std::string text(1000, '%');
  ecg::log_lines::Write(text.c_str());
  ecg::log_lines::Flush();
  std::size_t characters = 0;
  for (const std::string& record : fake::Records(fake::TakeLines(), "LOG")) {
    characters += (record.size() - std::strlen("LOG text=")) / 3;
  }
  EXPECT_EQ(characters, 1000U);
}

ECG_TEST(FaultStartsOnAFreshLineAndTellsThePhase) {
  ecg::progress::Enter("selftest");
  ecg::progress::SetOperator(5);
  ecg::log_lines::Write("half a line");
  fake::TakeLines();
  try {
    ecg::ReportFault(
        {"BusFault", "", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13});
  } catch (const fake::Halted& halted) {
    EXPECT_EQ(halted.status, 3);
  }
  const auto lines = fake::TakeLines();
  EXPECT_EQ(fake::Payload(lines[0]), "LOG text=half%20a%20line");
  EXPECT_EQ(fake::Payload(lines[1]).substr(0, 40),
            "FAULT kind=BusFault phase=selftest op=5 ");
}

ECG_TEST(AFaultWhileReportingAFaultSaysNoMore) {
  for (int i = 0; i < 2; ++i) {
    try {
      ecg::ReportFault(
          {"NMI", "", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13});
    } catch (const fake::Halted&) {
    }
  }
  EXPECT_EQ(fake::Records(fake::TakeLines(), "FAULT").size(), 1U);
}
