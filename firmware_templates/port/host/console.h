// Where the host port's console is: standard input and output, or a path given
// on the command line.
#pragma once

namespace ecg::host {

// Opens the console that the arguments ask for:
//   (none)            standard input and output
//   --connect PATH    a Unix socket that somebody listens on
//   --listen PATH     makes a Unix socket and waits for one connection
//   --tty PATH        a terminal, for example one end of a pty; set to raw mode
// False, after a message on standard error, if that fails.
bool OpenConsole(int argc, char** argv);

// Sends what PutChar() has gathered. Usable from a signal handler.
void FlushConsole();

}  // namespace ecg::host
