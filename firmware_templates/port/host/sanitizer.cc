// Defaults for the sanitizers, each read by its runtime before main(). A report
// goes to standard error and ends in SIGABRT, which becomes a FAULT record.
#define ECG_SANITIZER_OPTIONS                                       \
  "abort_on_error=1:handle_segv=0:handle_sigbus=0:handle_sigill=0:" \
  "handle_sigfpe=0:handle_abort=0:use_sigaltstack=0"

extern "C" {

const char* __asan_default_options() {
  return ECG_SANITIZER_OPTIONS ":detect_leaks=0";
}

const char* __ubsan_default_options() {
  return ECG_SANITIZER_OPTIONS ":print_stacktrace=1";
}
}
