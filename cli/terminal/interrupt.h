#pragma once

namespace zsr::cli {

/// Ctrl-C and SIGTERM: the first asks the running method to stop and keep its best result; the second removes temporary
/// files and ends the program at once.
void install_interrupt_handler();

/// True after the first signal.
bool interrupted();

/// 128 + the number of the signal that came, 130 for Ctrl-C; 0 when none came.
int interrupt_exit_code();

}  // namespace zsr::cli
