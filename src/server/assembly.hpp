#pragma once

#include <memory>
#include <string>

#include "server/outcome.hpp"

namespace bellhop::server {

/// The version of the program, "0.1.0".
[[nodiscard]] const char* version();

/// `bellhop run`: builds the whole server from the configuration file, serves until SIGTERM or SIGINT, reloads on
/// SIGHUP. Prints one line on standard error when it is ready to take traffic.
[[nodiscard]] ExitStatus serve(const std::string& config_file);

}  // namespace bellhop::server
