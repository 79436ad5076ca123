// Takes the place of the application: times loops of known length and prints
// the ticks, to prove how many ticks one emulated instruction takes.
#include "ecg/app.h"
#include "ecg/board.h"

namespace ecg {
namespace {

// Two instructions a turn.
std::uint64_t TimeLoop(std::uint32_t turns) {
  const std::uint64_t start = board::Ticks();
  asm volatile(
      "1: subs %0, #1\n"
      "bne 1b\n"
      : "+r"(turns)
      :
      : "cc", "memory");
  return board::Ticks() - start;
}

void PrintLine(std::uint64_t value) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (count > 0) {
    board::PutChar(digits[--count]);
  }
  board::PutChar('\n');
}

}  // namespace

void RunApplication() {
  board::Init();
  PrintLine(board::TickHz());
  constexpr std::uint32_t kTurns[] = {1000, 2000, 51000, 101000, 1001000};
  for (const std::uint32_t turns : kTurns) {
    PrintLine(turns);
    PrintLine(TimeLoop(turns));
  }
  board::Halt(0);
}

}  // namespace ecg
