#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "stranger.hpp"

namespace bellhop::scenario {

/// A caller and a callee who write every octet by hand, in a house that asks nobody for a password.
struct Hands {
  using Transport = sip::Transport;
  explicit Hands(std::string config = World::open_house(), Transport callers = Transport::udp,
                 Transport callees = Transport::udp, unsigned shards = 1)
      : world({.shards = shards, .config = std::move(config)}),
        alice(world, callers),
        bob(world, callees, "127.0.0.77:5077") {
    const char* more = callees == Transport::tcp ? ";transport=tcp" : "";
    EXPECT_EQ(bob.ask(bob.draft("REGISTER", "sip:example.test")
                          .set("To", "<sip:bob@example.test>")
                          .set("Contact", fmt::format("<sip:bob@127.0.0.77:5077{}>", more))),
              200);
    bob.forget();
    (void)world.arrows();
  }
  /// What bob hears of it.
  std::string heard(const Draft& draft) { return heard(draft.text()); }
  std::string heard(const std::string& octets) {
    bob.forget();
    alice.send(octets);
    world.run_for(milliseconds(50));
    return bob.received().empty() ? std::string() : bob.received().back();
  }
  void bob_says(std::string_view status, std::string_view to = "INVITE") {
    bob.send(answer_to(bob.last(to), status));
    world.run_for(milliseconds(50));
  }
  World world;
  Stranger alice, bob;
};

}  // namespace bellhop::scenario
