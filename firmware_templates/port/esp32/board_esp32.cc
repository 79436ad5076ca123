// Port to ESP32-S3 and ESP32-C3 under ESP-IDF: UART 0, the CPU's cycle counter,
// and a task of its own for the application.
//
// A CPU fault is reported by ESP-IDF's panic handler as text on the same line.
#include <cstddef>
#include <cstdint>

#include "app_config.h"
#include "driver/uart.h"
#include "ecg/app.h"
#include "ecg/board.h"
#include "ecg/paint.h"
#include "ecg/wide_counter.h"
#include "esp_cpu.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

extern "C" void app_main();

namespace ecg::board {
void StartTask();
}

namespace ecg::board {
namespace {

constexpr uart_port_t kPort = UART_NUM_0;
constexpr int kBaud = 115'200;
// Larger than the hardware's 128 bytes, as the driver wants it.
constexpr int kReceiveBytes = 1024;

constexpr std::uint64_t kCpuHz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * 1'000'000ULL;
// While nothing is received the counter is read this often, so that none of its
// wraps (18 s at 240 MHz) is missed.
constexpr TickType_t kPollTicks = pdMS_TO_TICKS(1000);

constexpr BaseType_t kCore = 0;
constexpr UBaseType_t kPriority = 5;
// What a new task and the call of Paint() have on the stack by then.
constexpr std::uintptr_t kInUse = 512;

// ESP-IDF counts a stack in bytes.
alignas(16) StackType_t stack[kStackBytes / sizeof(StackType_t)];
StaticTask_t task;
WideCounter counter;

Span StackMemory() {
  return {reinterpret_cast<std::uint8_t*>(stack), sizeof(stack)};
}

// Paints what lies below the running task's own frames.
void PaintStack() {
  const auto low = reinterpret_cast<std::uintptr_t>(stack);
  const auto here =
      reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (here > low + kInUse && here <= low + sizeof(stack)) {
    paint::Fill({reinterpret_cast<std::uint8_t*>(stack), here - kInUse - low});
  }
}

void RunTask(void*) {
  PaintStack();
  RunApplication();
}

}  // namespace

void Init() {
  uart_config_t line = {};
  line.baud_rate = kBaud;
  line.data_bits = UART_DATA_8_BITS;
  line.parity = UART_PARITY_DISABLE;
  line.stop_bits = UART_STOP_BITS_1;
  line.flow_ctrl = UART_HW_FLOWCTRL_DISABLE;
  line.source_clk = UART_SCLK_DEFAULT;
  // Nobody could be told of a failure: the console is what fails here.
  static_cast<void>(
      uart_driver_install(kPort, kReceiveBytes, 0, 0, nullptr, 0));
  static_cast<void>(uart_param_config(kPort, &line));
}

void PutChar(char c) {
  static_cast<void>(uart_write_bytes(kPort, &c, sizeof(c)));
}

int GetChar() {
  std::uint8_t byte = 0;
  while (uart_read_bytes(kPort, &byte, sizeof(byte), kPollTicks) != 1) {
    static_cast<void>(Ticks());
  }
  return byte;
}

// The task stays on one core, so this is always the same counter.
std::uint64_t Ticks() { return counter.Extend(esp_cpu_get_cycle_count()); }

std::uint64_t TickHz() { return kCpuHz; }

const char* TickSource() { return "cpu_cycles"; }

Span Stack() { return StackMemory(); }

void Halt(int) {
  for (;;) {
    vTaskDelay(kPollTicks);
  }
}

void StartTask() {
  static_cast<void>(xTaskCreateStaticPinnedToCore(
      RunTask, "ecg", sizeof(stack), nullptr, kPriority, stack, &task, kCore));
}

}  // namespace ecg::board

void app_main() { ecg::board::StartTask(); }
