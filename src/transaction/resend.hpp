#pragma once

#include <algorithm>
#include <optional>

#include "base/time.hpp"

namespace bellhop::transaction {

/// When to send next after the sending due at `due`: on the ideal grid while the shard keeps up, so that ticks do not
/// add up; counted from `now` after a stall, so that missed sendings are not made up for in a burst.
[[nodiscard]] constexpr TimePoint following(TimePoint due, Duration interval, TimePoint now) {
  return due + interval > now ? due + interval : now + interval;
}

[[nodiscard]] constexpr std::optional<TimePoint> earlier(TimePoint a, TimePoint b) {
  const TimePoint first = std::min(a, b);
  return first == never ? std::nullopt : std::optional(first);
}

}  // namespace bellhop::transaction
