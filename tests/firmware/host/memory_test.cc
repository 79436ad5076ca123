// Paint, guard words, the table of operators.
#include <array>
#include <cstring>

#include "check.h"
#include "ecg/guarded.h"
#include "ecg/op_trace.h"
#include "ecg/paint.h"
#include "ecg/progress.h"
#include "fake_board.h"

namespace paint = ecg::paint;

ECG_TEST(FreshPaintIsUntouched) {
  std::array<std::uint8_t, 64> memory{};
  paint::Fill({memory.data(), memory.size()});
  EXPECT_EQ(paint::TouchedBytes({memory.data(), memory.size()}), 0U);
  EXPECT_EQ(paint::HighWaterBytes({memory.data(), memory.size()}), 0U);
}

ECG_TEST(TouchedWordsAreCounted) {
  std::array<std::uint8_t, 64> memory{};
  paint::Fill({memory.data(), memory.size()});
  memory[5] ^= 1;
  memory[6] ^= 1;
  memory[63] ^= 0x80;
  EXPECT_EQ(paint::TouchedBytes({memory.data(), memory.size()}), 8U);
  EXPECT_EQ(paint::HighWaterBytes({memory.data(), memory.size()}), 60U);
}

ECG_TEST(HighWaterIsMeasuredFromTheEnd) {
  std::array<std::uint8_t, 64> memory{};
  paint::Fill({memory.data(), memory.size()});
  memory[40] = 0;
  EXPECT_EQ(paint::HighWaterBytes({memory.data(), memory.size()}), 24U);
  memory[0] = 0;
  EXPECT_EQ(paint::HighWaterBytes({memory.data(), memory.size()}), 64U);
}

ECG_TEST(PaintKeepsWithinItsMemory) {
  std::array<std::uint8_t, 16> memory{};
  paint::Fill({memory.data() + 1, 11});
  EXPECT_EQ(memory[0], 0);
  EXPECT_EQ(memory[9], 0);
  EXPECT_EQ(paint::TouchedBytes({memory.data() + 1, 11}), 0U);
  EXPECT_EQ(paint::TouchedBytes({nullptr, 0}), 0U);
  EXPECT_EQ(paint::HighWaterBytes({nullptr, 0}), 0U);
}

ECG_TEST(GuardsNoticeAByteOnEitherSide) {
  static ecg::Guarded<32> memory;
  EXPECT_EQ(memory.IsIntact(), false);
  memory.Arm();
  std::memset(memory.data(), 0xFF, 32);
  EXPECT_EQ(memory.IsIntact(), true);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 16, 0U);
  volatile std::uint8_t* const behind = memory.data() + 32;
  *behind = 0;
  EXPECT_EQ(memory.IsIntact(), false);
  memory.Arm();
  volatile std::uint8_t* const before = memory.data() - 1;
  *before = 0;
  EXPECT_EQ(memory.IsIntact(), false);
}

ECG_TEST(NestedOperatorsCountIntoTheirCaller) {
  ecg::OpTrace trace;
  fake::ticks_per_read = 10;
  trace.Start(true);
  const auto outer = trace.Begin("WHILE");
  EXPECT_EQ(ecg::progress::Operator(), 0);
  for (int i = 0; i < 5; ++i) {
    trace.End(trace.Begin("ADD"));
  }
  trace.End(outer);
  EXPECT_EQ(ecg::progress::Operator(), -1);
  const auto next = trace.Begin("SOFTMAX");
  EXPECT_EQ(ecg::progress::Operator(), 1);
  trace.End(next);
  EXPECT_EQ(trace.size(), 2U);
  EXPECT_EQ(std::string(trace[0].op), "WHILE");
  EXPECT_EQ(trace[0].ticks, 10U);
  EXPECT_EQ(std::string(trace[1].op), "SOFTMAX");
  EXPECT_EQ(trace.dropped(), 0U);
}

ECG_TEST(AFullTableDropsAndSaysSo) {
  ecg::OpTrace trace;
  trace.Start(true);
  for (int i = 0; i < 5; ++i) {
    trace.End(trace.Begin("OP"));
  }
  EXPECT_EQ(trace.size(), 3U);
  EXPECT_EQ(trace.dropped(), 2U);
  trace.Start(false);
  trace.End(trace.Begin("OP"));
  EXPECT_EQ(trace.size(), 0U);
}
