// Where every function of python_stubs.cc ends. TFLM calls none of them.
#include <cstdlib>

#include "ecg/log_lines.h"

extern "C" [[noreturn]] void ecg_python_stub_called(const char* name) {
  ecg::log_lines::Write("the wheel called Python's ");
  ecg::log_lines::Write(name);
  ecg::log_lines::Write(", which this program does not have\n");
  std::abort();  // The port turns it into a FAULT record.
}
