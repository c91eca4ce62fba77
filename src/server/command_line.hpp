#pragma once

namespace bellhop::server {

/// The whole program: reads the command line and does what it says. The exit status is 0 when that was done, 1 when it
/// failed (the reason is on standard error), 2 when the command line makes no sense.
[[nodiscard]] int run_command_line(int argc, char** argv);

}  // namespace bellhop::server
