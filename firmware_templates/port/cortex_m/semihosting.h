// Leaves an emulator with an exit status.
#pragma once

namespace ecg::semihosting {

[[noreturn]] void Exit(int status);

}  // namespace ecg::semihosting
