// Runs the one test that is named; each runs in a process of its own, because
// the firmware's state lives in statics.
#include <cstring>

#include "check.h"

int main(int argc, char** argv) {
  for (const check::Test* test = check::First(); test != nullptr;
       test = test->next) {
    if (argc == 2 && std::strcmp(test->name, argv[1]) == 0) {
      test->body();
      return 0;
    }
  }
  std::fprintf(stderr, "no such test\n");
  return 2;
}
