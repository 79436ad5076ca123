// What a port provides. Chosen by the linker: one port is linked, no vtable.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecg/span.h"

namespace ecg::board {

// Console and counter. Called once, first; must not fail and not allocate.
void Init();

// Sends one character; returns when it is accepted. Usable from a fault
// handler.
void PutChar(char c);

// Waits for a character and returns it, 0 to 255; -1 when no more can come.
int GetChar();

// A counter that does not wrap within the life of a board (64 bits).
std::uint64_t Ticks();

// Ticks per second, and what is counted, in a word ("systimer").
std::uint64_t TickHz();
const char* TickSource();

// The application's stack, painted by the port before its first use; empty if
// the port cannot tell.
Span Stack();

// Ends the program. An emulator leaves with this exit status.
[[noreturn]] void Halt(int status);

}  // namespace ecg::board
