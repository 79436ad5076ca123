// Vector table of the QEMU twin; the console's interrupt is the only one in
// use.

#include <cstddef>

#include "faults.h"
#include "mps2.h"

namespace {

using Handler = void (*)();

constexpr std::size_t kCoreEntries = 16;
constexpr std::size_t kInterrupts = 32;

struct VectorTable {
  const unsigned char* stack_top;
  Handler handlers[kCoreEntries - 1 + kInterrupts];
};

constexpr VectorTable MakeTable() {
  VectorTable table = {ecg_handler_stack_top, {}};
  for (Handler& handler : table.handlers) {
    handler = Fault_Handler;
  }
  table.handlers[0] = Reset_Handler;
  table.handlers[kCoreEntries - 1 + ecg::mps2::kUartInterrupt] =
      Console_Handler;
  return table;
}

__attribute__((section(".vectors"), used)) constexpr VectorTable vectors =
    MakeTable();

}  // namespace
