// Bare-metal start of a test program in QEMU; newlib's semihosting prints.
#include <stdint.h>
#include <stdlib.h>

extern uint32_t __stack_top;
extern int main(void);
extern void initialise_monitor_handles(void);
extern void __libc_init_array(void);

#define CPACR (*(volatile uint32_t*)0xE000ED88U)

void reset_handler(void);
void fault_handler(void);

void reset_handler(void) {
  CPACR |= 0xFU << 20;  // Floating point and Helium.
  __asm__ volatile("dsb\n isb");
  initialise_monitor_handles();
  __libc_init_array();
  exit(main());
}

// Stops QEMU with a status of its own: SYS_EXIT_EXTENDED, reason 0x20026.
void fault_handler(void) {
  static const uint32_t arguments[2] = {0x20026U, 86U};
  register uint32_t operation __asm__("r0") = 0x20U;
  register const uint32_t* block __asm__("r1") = arguments;
  __asm__ volatile("bkpt 0xAB" : : "r"(operation), "r"(block) : "memory");
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) const uintptr_t vectors[] = {
    (uintptr_t)&__stack_top,
    (uintptr_t)reset_handler,
    (uintptr_t)fault_handler,
    (uintptr_t)fault_handler,
    (uintptr_t)fault_handler,
    (uintptr_t)fault_handler,
    (uintptr_t)fault_handler,
};

void _init(void);
void _fini(void);
void _init(void) {}
void _fini(void) {}
