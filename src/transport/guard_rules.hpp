#pragma once

#include "config/snapshot.hpp"
#include "guard/guard.hpp"

namespace bellhop::transport {

/// What the configuration says, in the words of the guard: peers are trusted networks.
[[nodiscard]] guard::Rules rules_of(const config::Snapshot& config);

}  // namespace bellhop::transport
