#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "world.hpp"

namespace bellhop::scenario {

/// The conditions a scenario must hold in: 1 and 3 shards, a clear network and a bad one from several seeds.
struct Condition {
  unsigned shards;
  std::uint64_t seed;
  bool stormy;
};

inline std::vector<Condition> weathers() {
  return {{1, 1, false}, {3, 1, false}, {1, 11, true}, {1, 12, true}, {3, 21, true}, {3, 22, true}, {3, 23, true}};
}

inline std::string weather_name(const testing::TestParamInfo<Condition>& info) {
  return std::to_string(info.param.shards) + "Shards" + (info.param.stormy ? "Stormy" : "Clear") +
         std::to_string(info.param.seed);
}

class InEveryWeather : public testing::TestWithParam<Condition> {
 protected:
  [[nodiscard]] World::Options options(std::string config = {}) const {
    World::Options options;
    options.shards = GetParam().shards;
    options.seed = GetParam().seed;
    options.config = std::move(config);
    if (GetParam().stormy) options.weather = {0.15, 0.05, milliseconds(20), milliseconds(60)};
    return options;
  }
  [[nodiscard]] bool stormy() const { return GetParam().stormy; }
};

/// The first datagrams of each way that begin like this never arrive.
inline void lose_first(World& world, unsigned count, std::vector<std::string> beginnings) {
  world.net().set_filter([count, beginnings = std::move(beginnings), lost = std::map<std::string, unsigned>()](
                             const Endpoint& from, const Endpoint& to, std::string_view octets) mutable {
    for (const std::string& begins : beginnings)
      if (octets.starts_with(begins)) return lost[begins + from.to_string() + to.to_string()]++ < count;
    return false;
  });
}

/// No transaction and no fork is left.
inline void expect_empty(const World& world) {
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_EQ(world.forks(), 0u);
}

/// Without repeats, in the order of their first appearance.
inline std::vector<std::string> distinct(const std::vector<std::string>& lines) {
  std::vector<std::string> once;
  for (const std::string& line : lines)
    if (std::find(once.begin(), once.end(), line) == once.end()) once.push_back(line);
  return once;
}

}  // namespace bellhop::scenario
