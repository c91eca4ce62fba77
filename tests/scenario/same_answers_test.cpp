// One server, whatever the number of its shards: the same story told to 1, 2 and 3 of them is answered in the same
// words, but for the tokens that are drawn by lot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "phone.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;

/// A message without what is drawn anew for each: branches, tags, nonces, the tokens of our Record-Route.
std::string without_tokens(const std::string& message) {
  static const std::regex drawn(R"(((?:branch|tag|nonce|b[hf])=)[^;>, \r\n]+)");
  return std::regex_replace(message, drawn, "$1*");
}

class Story {
 public:
  Story(unsigned shards, Transport transport)
      : world_({.shards = shards, .config = {}}),
        alice_(world_, "alice", "127.0.0.2:5060", transport),
        bob_(world_, "bob", "127.0.0.3:5060", transport),
        stranger_(world_, transport) {}

  /// What every party was told, in the order in which it was told.
  std::string told() {
    register_and_call();
    cancel_and_refuse();
    for (int i = 0; i < 12; ++i) ask_as_stranger();
    return std::move(told_);
  }
  [[nodiscard]] std::uint64_t hops() const { return world_.counter("shard.hops"); }

 private:
  void register_and_call() {
    for (Phone* phone : {&alice_, &bob_}) phone->register_contact();
    pass(seconds(2));
    for (int i = 0; i < 6; ++i) {
      alice_.call("sip:bob@example.test");
      pass(seconds(2));
      note({"INVITE", "ACK"});
      alice_.in_dialog("INFO");
      pass(seconds(1));
      bob_.hang_up();
      pass(seconds(40));
      note({"INFO", "BYE"});
      alice_.send("MESSAGE", "sip:bob@example.test", {}, "hello");
      pass(seconds(1));
      note({"MESSAGE"});
    }
  }

  void cancel_and_refuse() {
    bob_.script.answers = {{milliseconds(10), 180}};
    alice_.call("sip:bob@example.test");
    pass(seconds(1));
    alice_.cancel();
    pass(seconds(40));
    bob_.script.answers = {{milliseconds(10), 486}};
    alice_.call("sip:bob@example.test");
    pass(seconds(40));
    alice_.call("sip:nobody@example.test");
    pass(seconds(40));
    note({"INVITE", "CANCEL", "ACK"});
  }

  void ask_as_stranger() {
    stranger_.ask(stranger_.draft("OPTIONS", "sip:example.test"));
    stranger_.ask(stranger_.draft("SUBSCRIBE", "sip:bob@example.test"));
    stranger_.ask(stranger_.draft("INVITE", "sip:bob@elsewhere.test"));
    stranger_.ask(stranger_.draft("OPTIONS", "sip:example.test").set("CSeq", "1 INFO"));
    stranger_.ask(stranger_.draft("MESSAGE", "sip:bob@example.test").set("Max-Forwards", "0"));
    stranger_.ask(stranger_.draft("OPTIONS", "sip:bob@example.test").set("Require", "magic"));
    for (const auto& message : stranger_.received()) tell("stranger", message);
    stranger_.forget();
  }

  void pass(Duration time) {
    world_.run_for(time);
    for (const auto& [name, phone] : {std::pair("alice", &alice_), std::pair("bob", &bob_)}) {
      for (const auto& heard : phone->requests()) tell(name, heard);
      for (const auto& heard : phone->responses()) tell(name, heard);
      phone->forget();
    }
  }
  void note(std::initializer_list<std::string_view> methods) {
    for (const auto& [name, phone] : {std::pair("alice", &alice_), std::pair("bob", &bob_)})
      for (const auto method : methods) {
        tell(name, phone->last_request(method));
        tell(name, phone->last_response(method));
      }
  }
  void tell(std::string_view party, const std::string& what) {
    told_.append(party).append(" hears ").append(without_tokens(what)).append("\n");
  }

  World world_;
  Phone alice_, bob_;
  Stranger stranger_;
  std::string told_;
};

class SameAnswers : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Transports, SameAnswers, testing::Values(Transport::udp, Transport::tcp));

// [house 1] 1, 2 and 3 shards tell everybody the same, octet for octet but for drawn tokens
TEST_P(SameAnswers, FromOneTwoAndThreeShards) {
  Story alone(1, GetParam());
  const std::string told = alone.told();
  EXPECT_THAT(told, testing::AllOf(testing::HasSubstr("200 INVITE"), testing::HasSubstr("487 INVITE"),
                                   testing::HasSubstr("486 INVITE"), testing::HasSubstr("SIP/2.0 483"),
                                   testing::HasSubstr("SIP/2.0 407")));
  EXPECT_EQ(alone.hops(), 0u);
  for (const unsigned shards : {2u, 3u}) {
    SCOPED_TRACE(shards);
    Story story(shards, GetParam());
    EXPECT_EQ(story.told(), told);
    EXPECT_GT(story.hops(), 0u);
  }
}

}  // namespace
}  // namespace bellhop::scenario
