// Entries of a vector table that every Cortex-M port shares.
#pragma once

extern "C" {

// Start of all; vector 1.
void Reset_Handler();

// Any exception that is not expected: reports it and ends the program.
void Fault_Handler();

// First address behind the handlers' stack, set by link.ld; vector 0.
extern const unsigned char ecg_handler_stack_top[];
}
