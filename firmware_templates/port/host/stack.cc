#include "stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

#include "app_config.h"
#include "ecg/board.h"
#include "ecg/paint.h"
#include "sanitizer.h"

namespace ecg::host {
namespace {

// More than one page: a function with a large frame must not jump over it.
constexpr std::size_t kGuardBytes = std::size_t{1} << 20;

Span stack;
void (*application)() = nullptr;

std::size_t RoundUpToPage(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

[[noreturn]] void Enter() {
  ArriveOnStack();
  application();
  std::abort();  // The application does not come back.
}

}  // namespace

bool CreateStack() {
  const std::size_t mapped = RoundUpToPage(kStackBytes + kExtraStackBytes);
  void* const all =
      mmap(nullptr,
           mapped + 2 * kGuardBytes,
           PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT,
           -1,
           0);
  if (all == MAP_FAILED) {
    return false;
  }
  std::uint8_t* const bottom = static_cast<std::uint8_t*>(all) + kGuardBytes;
  if (mprotect(bottom, mapped, PROT_READ | PROT_WRITE) != 0) {
    return false;
  }
  stack = {bottom, mapped};
  paint::Fill(stack);
  return true;
}

Span ApplicationStack() { return stack; }

bool IsBelowStack(std::uintptr_t address) {
  const auto bottom = reinterpret_cast<std::uintptr_t>(stack.data);
  return address < bottom && address >= bottom - kGuardBytes;
}

void RunOnStack(void (*run)()) {
  application = run;
  AnnounceStack(stack);
  // A frame pointer of 0 marks the outermost frame for debuggers.
  asm volatile(
      "movq %0, %%rsp\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "call *%1\n\t"
      "ud2"
      :
      : "a"(stack.data + stack.bytes), "d"(&Enter)
      : "memory");
  __builtin_unreachable();
}

}  // namespace ecg::host

namespace ecg::board {

Span Stack() { return host::ApplicationStack(); }

}  // namespace ecg::board
