#include "net/clock.hpp"

namespace bellhop::net {

TimePoint clock_now() {
  using std::chrono::duration_cast;
  using std::chrono::steady_clock;
  static const microseconds base = duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()) -
                                   duration_cast<microseconds>(steady_clock::now().time_since_epoch());
  return TimePoint(base + duration_cast<microseconds>(steady_clock::now().time_since_epoch()));
}

}  // namespace bellhop::net
