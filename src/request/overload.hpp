#pragma once

#include <algorithm>
#include <string>

#include "base/time.hpp"
#include "sip/message.hpp"

namespace bellhop::request {

/// Tells a queue that stands from one that was long for a moment (the idea of CoDel, RFC 8289 section 3): a machine
/// that stood still for a second finds all of it waiting, and has worked it off before anybody could come back.
///
/// Owner  one shard.
class StandingQueue {
 public:
  /// The wait a request is to be judged by: `waited`, or zero while some of the last `limit` waited less than that.
  [[nodiscard]] Duration standing(Duration waited, Duration limit, TimePoint now) {
    if (waited <= limit) {
      long_since_ = never;
      return waited;
    }
    long_since_ = std::min(long_since_, now);
    return now - long_since_ >= limit ? waited : Duration::zero();
  }

 private:
  TimePoint long_since_ = never;  ///< since then everything has waited too long
};

/// How many percent of the requests of one kind are refused while they wait this long: none up to `from`, all of them
/// from 3 * `step` more on.
[[nodiscard]] unsigned percent_refused(Duration delay, Duration from, Duration step);

/// Feedback for a neighbour that said "oc" in its Via (RFC 7339 section 5.2), as Via parameters: by how many percent it
/// shall send less for the next second. Nothing for one that did not say it or knows no "loss".
void append_oc(std::string& out, const sip::Via& via, unsigned percent, TimePoint now);

}  // namespace bellhop::request
