// Vector table: 16 entries of the core, 48 interrupts of the nRF52840.
//
// Source: NordicSemiconductor/nrfx mdk/nrf52840_vectors.h at
// 7c47cc0a56ce44658e6da2458e86cd8783ccc4a2, mdk/nrf52840.h (numbers) at
// 11f57e578c7feea13f21c79ea0efab2630ac68c7.

#include <cstddef>

#include "console.h"
#include "faults.h"
#include "nrf52840.h"

namespace {

using Handler = void (*)();

constexpr std::size_t kCoreEntries = 16;
constexpr std::size_t kInterrupts = 48;  // SPIM3, the last, is number 47.

struct VectorTable {
  const unsigned char* stack_top;
  Handler handlers[kCoreEntries - 1 + kInterrupts];
};

// The console's interrupt is the only one in use; any other is a fault.
constexpr VectorTable MakeTable() {
  VectorTable table = {ecg_handler_stack_top, {}};
  for (Handler& handler : table.handlers) {
    handler = Fault_Handler;
  }
  table.handlers[0] = Reset_Handler;
  table.handlers[kCoreEntries - 1 + ecg::nrf52840::kUarteInterrupt] =
      Console_Handler;
  return table;
}

__attribute__((section(".vectors"), used)) constexpr VectorTable vectors =
    MakeTable();

}  // namespace
