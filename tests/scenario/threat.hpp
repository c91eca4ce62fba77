#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "stranger.hpp"

namespace bellhop::scenario {

/// A row of docs/threats.md against a whole server, over the transport of the parameter. Afterwards nothing of it is
/// left and the server serves on.
class ThreatOver : public testing::TestWithParam<sip::Transport> {
 protected:
  explicit ThreatOver(std::string config) : world({.config = std::move(config)}), stranger(world, GetParam()) {}
  void TearDown() override {
    stranger.disconnect();
    world.run_for(seconds(45));
    EXPECT_EQ(world.transactions(), 0u);
    EXPECT_EQ(world.forks(), 0u);
    EXPECT_TRUE(Stranger::server_lives(world));
  }
  [[nodiscard]] bool stream() const { return GetParam() == sip::Transport::tcp; }
  [[nodiscard]] Draft options() { return stranger.draft("OPTIONS", "sip:127.0.0.1:5060"); }
  [[nodiscard]] Draft reg() {
    return stranger.draft("REGISTER", "sip:example.test").set("To", "<sip:alice@example.test>").set("Expires", "600");
  }
  World world;
  Stranger stranger;
};

inline std::string name_of_transport(const testing::TestParamInfo<sip::Transport>& one) {
  return std::string(sip::param_name(one.param));
}

}  // namespace bellhop::scenario
