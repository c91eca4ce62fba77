// For whom requests leave for foreign addresses.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "phone.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::HasSubstr;
using testing::Not;

constexpr const char* elsewhere = "sip:u@127.0.0.9";

/// alice and bob registered here, a server of others at 127.0.0.9. Calls need no password: what is asked for one asks
/// to be relayed.
struct Border {
  explicit Border(std::string_view mode = "nobody")
      : world({.config = World::default_config(
                   fmt::format("[sip]\nrelay = \"{}\"\nclients = [\"127.0.5.0/24\"]\n"
                               "[[alias]]\nname = \"away\"\ndomain = \"example.test\"\ntarget = \"{}\"\n",
                               mode, elsewhere),
                   "authenticate = \"register\"\n")}),
        phones(world),
        remote(world, "remote", "127.0.0.9:5060") {}

  /// What somebody at this address, who is no user of ours, hears first.
  int ask(const std::string& source, std::string_view target) {
    Stranger stranger(world, Transport::udp, source + ":5066");
    return stranger.ask(stranger.draft("MESSAGE", target).set("From", "<sip:x@foreign.test>;tag=1"));
  }
  /// What alice hears in the end, who answers challenges.
  int ask_as_alice(std::string_view target) {
    phones.alice.send("MESSAGE", target);
    world.run_for(seconds(2));
    return phones.alice.last_status("MESSAGE");
  }
  /// alice calls a phone elsewhere, and that one sends a request within the dialog.
  int ask_in_dialog() {
    phones.alice.call(elsewhere);
    world.run_for(seconds(2));
    EXPECT_TRUE(remote.in_call());
    (void)world.arrows();
    remote.in_dialog("MESSAGE");
    world.run_for(seconds(2));
    return remote.last_status("MESSAGE");
  }
  [[nodiscard]] bool left() {
    for (const std::string& arrow : world.arrows())
      if (arrow.ends_with("<- MESSAGE")) return true;
    return false;
  }
  World world;
  TwoPhones phones;
  Phone remote;
};

struct Row {
  const char* condition;
  std::array<int, 3> answers;  ///< anybody, clients, nobody
  int (*ask)(Border&);
};
const std::string stranger_address = "127.0.0.66", client_address = "127.0.5.5";
const Row matrix[] = {
    {"none", {200, 401, 401}, [](Border& b) { return b.ask(stranger_address, elsewhere); }},
    {"the source is a client of ours", {200, 200, 401}, [](Border& b) { return b.ask(client_address, elsewhere); }},
    {"the sender authenticated", {200, 200, 200}, [](Border& b) { return b.ask_as_alice(elsewhere); }},
    {"the destination is a client of ours",
     {200, 200, 200},
     [](Border& b) {
       const Phone client(b.world, "client", "127.0.5.9:5060");
       return b.ask(stranger_address, "sip:u@127.0.5.9");
     }},
    {"the destination is registered here, by its name",
     {200, 200, 200},
     [](Border& b) { return b.ask(stranger_address, "sip:bob@example.test"); }},
    {"the destination is registered here, but named by its contact",
     {200, 401, 401},
     [](Border& b) { return b.ask(stranger_address, b.phones.bob.contact_uri()); }},
    {"an alias of ours leads there",
     {200, 200, 200},
     [](Border& b) { return b.ask(stranger_address, "sip:away@example.test"); }},
    {"the request is of a dialog that was let through", {200, 200, 200}, [](Border& b) { return b.ask_in_dialog(); }},
};

// [CGP-51, RT-22] Who may send to foreign addresses: each policy against each condition. What is refused does not leave
TEST(Relay, Matrix) {
  constexpr std::array modes{"anybody", "clients", "nobody"};
  for (const Row& row : matrix)
    for (std::size_t mode = 0; mode < modes.size(); ++mode) {
      SCOPED_TRACE(fmt::format("relay = {}, condition: {}", modes[mode], row.condition));
      Border border(modes[mode]);
      EXPECT_EQ(row.ask(border), row.answers[mode]);
      EXPECT_EQ(border.left(), row.answers[mode] == 200);
    }
}

// [CGP-51] Where calls need no password, leaving for elsewhere does: the challenge can be answered, and stays here
TEST(Relay, IsForUsersWhoShowIt) {
  Border border;
  EXPECT_EQ(border.ask_as_alice("sip:bob@example.test"), 200);
  EXPECT_EQ(border.phones.alice.count_responses("401 MESSAGE"), 0u);
  EXPECT_EQ(border.ask_as_alice(elsewhere), 200);
  EXPECT_EQ(border.phones.alice.count_responses("401 MESSAGE"), 1u);
  EXPECT_EQ(border.remote.count_requests("MESSAGE"), 1u);
  EXPECT_THAT(border.remote.last_request("MESSAGE"), Not(HasSubstr("Authorization:")));
}

// [CGP-51, threats 58] A From of ours must be the user who shows it; one of another domain is none of our business
TEST(Relay, WhoseFromItMayCarry) {
  Border border;
  border.phones.alice.from_user = "bob";
  EXPECT_EQ(border.ask_as_alice(elsewhere), 403);
  EXPECT_EQ(border.remote.count_requests("MESSAGE"), 0u);
  border.phones.alice.from_user = "boss";
  border.phones.alice.domain = "foreign.test";
  EXPECT_EQ(border.ask_as_alice(elsewhere), 200);
  EXPECT_EQ(border.phones.alice.count_responses("401 MESSAGE"), 2u);
  EXPECT_THAT(border.remote.last_request("MESSAGE"), HasSubstr("From: <sip:boss@foreign.test>;tag="));
  EXPECT_THAT(border.remote.last_request("MESSAGE"), HasSubstr("P-Asserted-Identity: <sip:alice@example.test>"));
  border.phones.alice.password = "wrong";
  EXPECT_EQ(border.ask_as_alice(elsewhere), 401);
  EXPECT_EQ(border.remote.count_requests("MESSAGE"), 1u);
}

}  // namespace
}  // namespace bellhop::scenario
