#pragma once

#include <algorithm>
#include <vector>

#include "base/time.hpp"

namespace bellhop::scenario {

/// Milliseconds after the first of them.
using Times = std::vector<long>;

inline Times offsets(const std::vector<TimePoint>& points) {
  Times times;
  for (const TimePoint point : points) times.push_back((point - points.front()) / milliseconds(1));
  return times;
}

/// When messages arrive may differ by the way through the network: rounded to hundredths of a second.
inline Times rounded(Times times) {
  for (long& time : times) time = (time + 5) / 10 * 10;
  return times;
}

/// T1 doubling up to `cap`, within 64*T1 of the first.
inline Times doubling(long cap) {
  Times times{0};
  for (long interval = 500; times.back() + interval < 32'000; interval = std::min(2 * interval, cap))
    times.push_back(times.back() + interval);
  return times;
}
constexpr long without_cap = 1'000'000;

}  // namespace bellhop::scenario
