// Signals that mean a fault of the program, turned into a FAULT record.
#pragma once

namespace ecg::host {

void InstallFaultHandlers();

}  // namespace ecg::host
