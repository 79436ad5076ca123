// The Ethos-U driver in Arm's image: what starts it and what its interrupt
// calls. Names, parameters and the size of its state follow the debug
// information of the image, and a test compares them with it.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// The driver keeps itself in a list for ever: static storage. Its members are
// its own business.
struct alignas(8) ethosu_driver {
  std::uint8_t state[72];
};

// 0 if the NPU is of the kind that the image was built for and could be reset.
// fast_memory is what a model compiled for dedicated SRAM caches in; null
// without. Uses 2 small blocks of the image's heap.
int ethosu_init(ethosu_driver* drv,
                const void* base_address,
                const void* fast_memory,
                std::size_t fast_memory_size,
                std::uint32_t secure_enable,
                std::uint32_t privilege_enable);

void ethosu_irq_handler(ethosu_driver* drv);

}  // extern "C"
