#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace bellhop::net {

/// Tells a queue that stands from one that is long for a moment, as CoDel does (RFC 8289 section 3): by the least that
/// anything in it has waited of late. A machine that stood still finds all of its input old, and works it off; one that
/// is given more than it can do never sees a short wait again.
///
/// Owner  one thread; of one queue.
class StandingWait {
 public:
  static constexpr Duration window = milliseconds(200);

  /// Something has waited this long. The least since the window before this one began; zero while nothing was noted
  /// then.
  [[nodiscard]] Duration note(Duration waited, TimePoint now) {
    if (now - began_ >= window) {
      before_ = now - began_ < 2 * window ? least_ : Duration::zero();
      began_ = now;
      least_ = waited;
    }
    least_ = std::min(least_, waited);
    return std::min(before_, least_);
  }

 private:
  TimePoint began_{};                ///< of this window
  Duration least_{}, before_{};      ///< of this one, and of the one before
};

}  // namespace bellhop::net
