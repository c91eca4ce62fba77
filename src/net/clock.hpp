#pragma once

#include "base/time.hpp"

namespace bellhop::net {

/// The only clock of the program (docs/decisions/0003-one-kind-of-time.md): the wall clock once at the first call, the
/// monotonic clock from there on, so all threads agree and time never runs backwards. Shards do not call this: they are
/// handed `now` by their wire. It is for side threads whose work ends in a post to a shard.
[[nodiscard]] TimePoint clock_now();
/// What CLOCK_MONOTONIC shows at that moment, for the timers of the kernel.
[[nodiscard]] Duration monotonic(TimePoint moment);

}  // namespace bellhop::net
