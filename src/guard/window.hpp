#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "guard/guard.hpp"

namespace bellhop::guard {

/// A sliding window, exact: the times of the latest events, as many as the rate bears, kept as a ring.
class Window {
 public:
  /// Notes an event; true when it is one more than the rate bears.
  bool is_too_many(const Rate& rate, TimePoint now) {
    if (rate.limit == 0) return false;
    if (times_.size() > rate.limit) clear();  // a reload allows fewer
    if (times_.size() < rate.limit) {
      times_.push_back(now);
      return false;
    }
    const TimePoint oldest = times_[next_];
    times_[next_] = now;
    next_ = (next_ + 1) % static_cast<std::uint32_t>(times_.size());
    return now - oldest < rate.window;
  }
  [[nodiscard]] std::uint32_t within(Duration window, TimePoint now) const {
    return static_cast<std::uint32_t>(
        std::count_if(times_.begin(), times_.end(), [&](TimePoint t) { return now - t < window; }));
  }
  /// The most events that any window of this length holds, of those remembered.
  [[nodiscard]] std::uint32_t most_within(Duration window) const {
    std::vector<TimePoint> times = times_;
    std::sort(times.begin(), times.end());
    std::uint32_t most = 0;
    for (std::size_t first = 0, last = 0; last < times.size(); ++last) {
      while (times[last] - times[first] >= window) ++first;
      most = std::max(most, static_cast<std::uint32_t>(last - first + 1));
    }
    return most;
  }
  void clear() {
    times_.clear();
    next_ = 0;
  }

 private:
  std::vector<TimePoint> times_;
  std::uint32_t next_ = 0;  ///< the oldest, when the ring is full
};

/// A fixed window: cheaper and coarser, for budgets so large that the edge does not matter.
class Budget {
 public:
  bool is_spent(std::uint32_t limit, Duration window, TimePoint now) {
    if (now - since_ >= window) {
      since_ = now;
      count_ = 0;
    }
    return ++count_ > limit;
  }

 private:
  TimePoint since_{};
  std::uint32_t count_ = 0;
};

}  // namespace bellhop::guard
