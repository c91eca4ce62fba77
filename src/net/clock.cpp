#include "net/clock.hpp"

namespace bellhop::net {

using std::chrono::duration_cast;
using std::chrono::steady_clock;

namespace {

microseconds monotonic_now() {
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch());
}

/// What the monotonic clock is behind Unix time, told once.
microseconds base() {
  static const microseconds told =
      duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()) - monotonic_now();
  return told;
}

}  // namespace

TimePoint clock_now() {
  return TimePoint(base() + monotonic_now());
}

Duration monotonic(TimePoint moment) {
  return moment.time_since_epoch() - base();
}

}  // namespace bellhop::net
