// The serial console: UARTE0, bytes received by interrupt.
#pragma once

namespace ecg::console {

void Init();

// Collects characters; a line's end, or a full buffer, sends them.
void Put(char c);

// Sends what Put() collected and waits until it is out.
void Flush();

// Nothing has come that TryGet() has not returned.
bool IsEmpty();

// The next received byte, -1 if none has come.
int TryGet();

}  // namespace ecg::console

extern "C" void Console_Handler();
