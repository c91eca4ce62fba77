#pragma once

#include <string>

#include "admin/json.hpp"
#include "base/result.hpp"

namespace bellhop::server {

/// What a subcommand gives: something to show, or why it failed.
using Outcome = Result<admin::Json, std::string>;

enum class ExitStatus : int { done = 0, failed = 1, misused = 2 };

/// Shows an outcome as a table or as JSON on standard output, or its reason on standard error.
[[nodiscard]] ExitStatus show(const Outcome& outcome, bool json);

}  // namespace bellhop::server
