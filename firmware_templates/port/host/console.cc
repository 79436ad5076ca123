#include "console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "ecg/board.h"
#include "exit_status.h"

namespace ecg::host {
namespace {

// Characters wait here until the end of their line: one call to the kernel for
// each character would make long records slow.
constexpr std::size_t kBufferBytes = 4096;

struct Console {
  int in = STDIN_FILENO;
  int out = STDOUT_FILENO;
  char received[kBufferBytes];
  std::size_t received_next = 0;
  std::size_t received_end = 0;
  char waiting[kBufferBytes];
  std::size_t waiting_bytes = 0;
};

Console console;

bool Complain(const char* what, const char* path) {
  const int error = errno;
  std::fprintf(stderr, "%s %s: %s\n", what, path, std::strerror(error));
  return false;
}

// The peer may have made the descriptor non-blocking: it is shared with us.
bool WaitFor(int descriptor, short events) {
  pollfd wanted = {descriptor, events, 0};
  return poll(&wanted, 1, -1) >= 0 || errno == EINTR;
}

bool FillAddress(const char* path, sockaddr_un* address) {
  address->sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof(address->sun_path)) {
    errno = ENAMETOOLONG;
    return Complain("socket", path);
  }
  std::strcpy(address->sun_path, path);
  return true;
}

bool Connect(const char* path) {
  sockaddr_un address = {};
  if (!FillAddress(path, &address)) {
    return false;
  }
  const int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (peer < 0 || connect(peer,
                          reinterpret_cast<const sockaddr*>(&address),
                          sizeof(address)) != 0) {
    return Complain("cannot connect to", path);
  }
  console.in = peer;
  console.out = peer;
  return true;
}

bool Listen(const char* path) {
  sockaddr_un address = {};
  if (!FillAddress(path, &address)) {
    return false;
  }
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 ||
      bind(listener,
           reinterpret_cast<const sockaddr*>(&address),
           sizeof(address)) != 0 ||
      listen(listener, 1) != 0) {
    return Complain("cannot listen on", path);
  }
  const int peer = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  static_cast<void>(unlink(path));
  static_cast<void>(close(listener));
  if (peer < 0) {
    return Complain("cannot accept on", path);
  }
  console.in = peer;
  console.out = peer;
  return true;
}

bool OpenTerminal(const char* path) {
  const int terminal = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios settings = {};
  if (terminal < 0 || tcgetattr(terminal, &settings) != 0) {
    return Complain("cannot open terminal", path);
  }
  cfmakeraw(&settings);
  if (tcsetattr(terminal, TCSANOW, &settings) != 0) {
    return Complain("cannot set up terminal", path);
  }
  console.in = terminal;
  console.out = terminal;
  return true;
}

}  // namespace

bool OpenConsole(int argc, char** argv) {
  if (argc == 1) {
    return true;
  }
  if (argc == 3 && std::strcmp(argv[1], "--connect") == 0) {
    return Connect(argv[2]);
  }
  if (argc == 3 && std::strcmp(argv[1], "--listen") == 0) {
    return Listen(argv[2]);
  }
  if (argc == 3 && std::strcmp(argv[1], "--tty") == 0) {
    return OpenTerminal(argv[2]);
  }
  std::fprintf(stderr,
               "usage: %s [--connect PATH | --listen PATH | --tty PATH]\n"
               "Without arguments the console is standard input and output.\n",
               argv[0]);
  return false;
}

void FlushConsole() {
  std::size_t sent = 0;
  while (sent < console.waiting_bytes) {
    const ssize_t written = write(
        console.out, console.waiting + sent, console.waiting_bytes - sent);
    if (written > 0) {
      sent += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      static_cast<void>(WaitFor(console.out, POLLOUT));
    } else if (errno != EINTR) {
      _exit(kExitNoPeer);  // Nobody reads any more: there is nobody to tell.
    }
  }
  console.waiting_bytes = 0;
}

}  // namespace ecg::host

namespace ecg::board {

void PutChar(char c) {
  host::Console& console = host::console;
  console.waiting[console.waiting_bytes++] = c;
  if (c == '\n' || console.waiting_bytes == host::kBufferBytes) {
    host::FlushConsole();
  }
}

int GetChar() {
  host::Console& console = host::console;
  host::FlushConsole();
  while (console.received_next == console.received_end) {
    const ssize_t bytes =
        read(console.in, console.received, host::kBufferBytes);
    if (bytes > 0) {
      console.received_next = 0;
      console.received_end = static_cast<std::size_t>(bytes);
    } else if (bytes < 0 && errno == EAGAIN) {
      static_cast<void>(host::WaitFor(console.in, POLLIN));
    } else if (bytes == 0 || errno != EINTR) {
      return -1;  // The peer has closed; a pty reports that as an error.
    }
  }
  return static_cast<std::uint8_t>(console.received[console.received_next++]);
}

}  // namespace ecg::board
