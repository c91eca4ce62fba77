#pragma once

#include <chrono>
#include <cstdint>

namespace bellhop {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using namespace std::chrono_literals;

/// The one kind of time in Bellhop: microseconds since the Unix epoch that never run backwards.
///
/// The kernel wire takes the wall clock once at start and adds the monotonic clock to it, so the same value serves
/// deadlines, Date headers, nonces and the journal. Only `net` reads a clock; everybody else is handed `now`.
/// See docs/decisions/0003-one-kind-of-time.md.
using TimePoint = std::chrono::time_point<std::chrono::system_clock, microseconds>;
using Duration = microseconds;

inline constexpr TimePoint never = TimePoint::max();

[[nodiscard]] constexpr std::int64_t unix_seconds(TimePoint t) {
  return std::chrono::floor<seconds>(t.time_since_epoch()).count();
}

}  // namespace bellhop
