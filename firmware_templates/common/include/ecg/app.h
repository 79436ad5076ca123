// The application: start-up report, then commands from the host for ever.
#pragma once

#include "ecg/command_reader.h"
#include "ecg/model_runner.h"
#include "ecg/op_trace.h"

namespace ecg {

// Called by the port's start-up code with a painted stack; never returns.
[[noreturn]] void RunApplication();

// What start-up found out, to be told again on HELLO. Filled in by Boot().
struct BootResult {
  wire::TIMER timer;
  wire::SELFTEST selftest;
  // All zero where the model did not run.
  wire::NEED need;
  // 0, or the first step that failed: 1 resolver, 2 allocation, 3 inference,
  // 4 golden vector.
  std::uint32_t status;
};

// Everything that lives from reset on; one object, in static storage, all zero
// at first so that it takes no flash.
struct App {
  OpTrace trace;
  ModelRunner runner;
  BootResult boot;
};

// Registers, allocates, runs the golden vector, and reports each step.
void Boot(App& app);

// Sends everything about this firmware that does not change.
void ReportIdentity();
void ReportTensors();
void ReportArena();
void ReportStack();

// One output of the last inference, in OUTPUT records.
void EmitOutput(std::size_t index);

// Carries out one command and sends its records; the result becomes DONE.
const char* Execute(App& app, const wire::Command& command);

}  // namespace ecg
