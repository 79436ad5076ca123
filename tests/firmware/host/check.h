// The least that a unit test needs: named tests and checks that say what they
// saw.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace check {

struct Test {
  const char* name;
  void (*body)();
  Test* next;
};

inline Test*& First() {
  static Test* first = nullptr;
  return first;
}

struct Registration {
  explicit Registration(Test* test) {
    test->next = First();
    First() = test;
  }
};

template <typename T>
std::string Show(const T& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

[[noreturn]] inline void Fail(const char* file,
                              int line,
                              const std::string& message) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, message.c_str());
  std::exit(1);
}

template <typename A, typename B>
void Equal(const A& seen,
           const B& wanted,
           const char* expression,
           const char* file,
           int line) {
  if (!(seen == wanted)) {
    Fail(file,
         line,
         std::string(expression) + " is <" + Show(seen) + ">, not <" +
             Show(wanted) + ">");
  }
}

}  // namespace check

#define ECG_TEST(name)                                                \
  static void name();                                                 \
  static check::Test test_##name = {#name, &name, nullptr};           \
  static const check::Registration registration_##name(&test_##name); \
  static void name()

#define EXPECT_EQ(seen, wanted) \
  check::Equal((seen), (wanted), #seen, __FILE__, __LINE__)

#define EXPECT_TRUE(condition)                     \
  do {                                             \
    if (!(condition)) {                            \
      check::Fail(__FILE__, __LINE__, #condition); \
    }                                              \
  } while (false)
