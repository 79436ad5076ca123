// Times loops of known length on the port's counter, in place of the
// application.
//
// A loop of n turns is 2n instructions; two lengths of the same loop differ by
// exactly 2(n2 - n1), whatever reading the counter costs.
#include <cstdint>

#include "ecg/app.h"
#include "ecg/arena.h"
#include "ecg/board.h"

namespace {

std::uint64_t TimeLoop(std::uint32_t turns) {
  asm volatile("" ::: "memory");
  const std::uint64_t start = ecg::board::Ticks();
  asm volatile(
      "1: subs %0, %0, #1\n\t"
      "bne 1b\n\t"
      : "+l"(turns)
      :
      : "cc", "memory");
  const std::uint64_t ticks = ecg::board::Ticks() - start;
  asm volatile("" ::: "memory");
  return ticks;
}

void Print(std::uint64_t value) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  while (count > 0) {
    ecg::board::PutChar(digits[--count]);
  }
}

}  // namespace

namespace ecg {

void RunApplication() {
  // The linker makes sure that the arena is in the image.
  static_cast<void>(arena::Memory());
  board::Init();
  constexpr std::uint32_t kTurns[] = {1,
                                      1,
                                      2,
                                      3,
                                      10,
                                      11,
                                      100,
                                      1000,
                                      1001,
                                      9999,
                                      12345,
                                      65536,
                                      200000,
                                      1000000,
                                      5000000};
  for (const std::uint32_t turns : kTurns) {
    const std::uint64_t ticks = TimeLoop(turns);
    Print(turns);
    board::PutChar(' ');
    Print(ticks);
    board::PutChar('\n');
  }
  board::Halt(0);
}

}  // namespace ecg
