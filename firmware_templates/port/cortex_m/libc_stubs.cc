// What libraries expect of a system, where there is none.
//
// There is no heap: memory for the model is the arena, and all else is static.
// Newlib's printf family asks for one in cases that our formats do not have;
// being told that there is none, it goes without.

#include <cstddef>

extern "C" {

// The heap cannot grow.
void* _sbrk(std::ptrdiff_t) { return reinterpret_cast<void*>(-1); }

// A failed check in a library: the fault handler reports where.
[[noreturn]] void abort() { __builtin_trap(); }

// A call of a function that an abstract class leaves open.
[[noreturn]] void __cxa_pure_virtual() { __builtin_trap(); }
}
