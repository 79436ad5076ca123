#include "console.h"

#include <cstddef>
#include <cstdint>

#include "armv7m.h"
#include "nrf52840.h"

namespace ecg::console {
namespace {

using armv7m::Register;

// A line of the wire protocol, and the next one while that is being obeyed.
constexpr std::uint32_t kReceivedCapacity = 2048;
static_assert((kReceivedCapacity & (kReceivedCapacity - 1)) == 0,
              "indices wrap by masking");
constexpr std::size_t kSendCapacity = 128;
// A full buffer takes 11 ms on the line; this many polls are over 100 ms.
constexpr std::uint32_t kSendPolls = 2'000'000;

std::uint8_t received[kReceivedCapacity];
volatile std::uint32_t received_count = 0;  // Written by the interrupt only.
std::uint32_t taken_count = 0;

// DMA reads and writes these.
volatile std::uint8_t receive_byte = 0;
std::uint8_t send_buffer[kSendCapacity];
std::size_t send_count = 0;

std::uint32_t DmaAddress(const volatile void* memory) {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(memory));
}

std::uintptr_t Gpio(std::uint32_t pin) {
  return pin < 32 ? nrf52840::kGpioPort0 : nrf52840::kGpioPort1;
}

void ConfigurePins() {
  constexpr std::uint32_t kTx = ECG_CONSOLE_TX_PIN;
  constexpr std::uint32_t kRx = ECG_CONSOLE_RX_PIN;
  // High first, so that the other side never sees a start bit.
  Register(Gpio(kTx) + nrf52840::kGpioOutset) = 1U << (kTx % 32U);
  Register(Gpio(kTx) + nrf52840::kGpioDirset) = 1U << (kTx % 32U);
  // Pulled up: an open line is an idle line.
  Register(Gpio(kRx) + nrf52840::kGpioPinCnf + 4U * (kRx % 32U)) =
      nrf52840::kGpioPullUp;
  Register(nrf52840::kUartePselTxd) = kTx;
  Register(nrf52840::kUartePselRxd) = kRx;
}

}  // namespace

void Init() {
  ConfigurePins();
  // No parity, one stop bit, no flow control.
  Register(nrf52840::kUarteConfig) = 0;
  Register(nrf52840::kUarteBaudrate) = nrf52840::kUarteBaud115200;
  Register(nrf52840::kUarteEnable) = nrf52840::kUarteEnabled;
  Register(nrf52840::kUarteRxdPtr) = DmaAddress(&receive_byte);
  Register(nrf52840::kUarteRxdMaxcnt) = 1;
  Register(nrf52840::kUarteEndRx) = 0;
  Register(nrf52840::kUarteIntenset) = nrf52840::kUarteIntEndRx;
  Register(armv7m::kNvicIser0) = 1U << nrf52840::kUarteInterrupt;
  Register(nrf52840::kUarteStartRx) = 1;
}

void Put(char c) {
  send_buffer[send_count] = static_cast<std::uint8_t>(c);
  ++send_count;
  if (c == '\n' || send_count == kSendCapacity) {
    Flush();
  }
}

void Flush() {
  if (send_count == 0) {
    return;
  }
  armv7m::Barrier();  // The buffer is in memory before DMA reads it.
  Register(nrf52840::kUarteEndTx) = 0;
  Register(nrf52840::kUarteTxdPtr) = DmaAddress(send_buffer);
  Register(nrf52840::kUarteTxdMaxcnt) = static_cast<std::uint32_t>(send_count);
  Register(nrf52840::kUarteStartTx) = 1;
  // Bounded: a fault report must not end in a loop.
  for (std::uint32_t poll = 0;
       poll < kSendPolls && Register(nrf52840::kUarteEndTx) == 0;
       ++poll) {
  }
  send_count = 0;
}

bool IsEmpty() { return taken_count == received_count; }

int TryGet() {
  if (IsEmpty()) {
    return -1;
  }
  const std::uint8_t byte = received[taken_count & (kReceivedCapacity - 1)];
  ++taken_count;
  return byte;
}

}  // namespace ecg::console

// One byte a DMA transfer. The receiver holds some bytes of its own, so none is
// lost between the end of one transfer and the start of the next.
extern "C" void Console_Handler() {
  using ecg::armv7m::Register;
  if (Register(ecg::nrf52840::kUarteEndRx) == 0) {
    return;
  }
  const std::uint32_t count = ecg::console::received_count;
  if (count - ecg::console::taken_count < ecg::console::kReceivedCapacity) {
    ecg::console::received[count & (ecg::console::kReceivedCapacity - 1)] =
        ecg::console::receive_byte;
    ecg::console::received_count = count + 1;
  }  // Else it is dropped, and the line's CRC tells the host.
  // One after the other: Renode writes a byte that comes between the two behind
  // the one-byte buffer.
  Register(ecg::nrf52840::kUarteEndRx) = 0;
  Register(ecg::nrf52840::kUarteStartRx) = 1;
  ecg::armv7m::Barrier();
}
