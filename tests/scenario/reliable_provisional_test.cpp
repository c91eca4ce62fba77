// RFC 3262 through a whole server: provisional responses that are acknowledged, with one shard and with three.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hands.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ReliableProvisional : public testing::TestWithParam<unsigned> {
 protected:
  ReliableProvisional() : hands(World::open_house(), Transport::udp, Transport::udp, GetParam()) {}
  void bob_sends(const std::string& octets) {
    hands.bob.send(octets);
    hands.world.run_for(milliseconds(50));
  }
  /// What alice sends when she heard the 183 to this INVITE (as bob has it).
  [[nodiscard]] std::string prack_of(const std::string& invite) {
    return in_dialog(hands.alice.draft("PRACK", "sip:bob@127.0.0.77:5077"), answer_to(invite, "183 Session Progress"))
        .set("RAck", "4711 1 INVITE")
        .text();
  }
  Hands hands;
};
INSTANTIATE_TEST_SUITE_P(Shards, ReliableProvisional, testing::Values(1u, 3u));

// [MSG-03] 183 with 100rel, PRACK, and the answers to both pass through; the PRACK has transactions of its own beside
// those of the INVITE
TEST_P(ReliableProvisional, IsAcknowledgedAndAnswered) {
  const std::string invite = hands.heard(hands.alice.draft().set("Supported", "100rel"));
  EXPECT_THAT(invite, HasSubstr("\r\nSupported: 100rel\r\n"));
  std::string progress = answer_to(invite, "183 Session Progress");
  progress.insert(progress.find("Contact:"), "Require: 100rel\r\nRSeq: 4711\r\n");
  bob_sends(progress);
  EXPECT_THAT(hands.alice.last("SIP/2.0 183"), HasSubstr("\r\nRequire: 100rel\r\nRSeq: 4711\r\n"));
  EXPECT_EQ(hands.world.transactions(), 2u);

  const std::string sent = prack_of(invite), prack = hands.heard(sent);
  EXPECT_THAT(prack, StartsWith("PRACK sip:bob@127.0.0.77:5077 SIP/2.0\r\n"));
  EXPECT_THAT(prack, HasSubstr("\r\nRAck: 4711 1 INVITE\r\n"));
  EXPECT_THAT(prack, Not(HasSubstr("\r\nRoute:")));
  EXPECT_EQ(hands.world.transactions(), 4u);
  EXPECT_EQ(hands.heard(sent), "") << "a repeat ends here";

  bob_sends(answer_to(prack, "200 OK"));
  EXPECT_THAT(hands.alice.last("SIP/2.0 200"), HasSubstr("\r\nCSeq: 2 PRACK\r\n"));
  EXPECT_EQ(hands.heard(sent), "");
  EXPECT_EQ(hands.alice.count("SIP/2.0 200"), 2u) << "a repeat is answered by us";

  bob_sends(answer_to(invite, "200 OK"));
  EXPECT_THAT(hands.alice.last("SIP/2.0 200"), HasSubstr("\r\nCSeq: 1 INVITE\r\n"));
  hands.world.run_for(seconds(40));
  EXPECT_EQ(hands.world.transactions(), 0u);
}

// [MSG-03] A reliable 183 is repeated until its PRACK comes: each repeat reaches the caller
TEST_P(ReliableProvisional, IsRepeated) {
  const std::string invite = hands.heard(hands.alice.draft().set("Supported", "100rel"));
  std::string progress = answer_to(invite, "183 Session Progress");
  progress.insert(progress.find("Contact:"), "Require: 100rel\r\nRSeq: 4711\r\n");
  for (int i = 0; i < 3; ++i) bob_sends(progress);
  EXPECT_EQ(hands.alice.count("SIP/2.0 183"), 3u);
}

// [MSG-03, RFC3261 16.6] A PRACK that the callee does not know gets its 481 back, and the call goes on
TEST_P(ReliableProvisional, RefusedPrackEndsNothing) {
  const std::string invite = hands.heard(hands.alice.draft().set("Supported", "100rel"));
  bob_sends(answer_to(invite, "183 Session Progress"));
  bob_sends(answer_to(hands.heard(prack_of(invite)), "481 Call/Transaction Does Not Exist"));
  EXPECT_THAT(hands.alice.last("SIP/2.0 481"), HasSubstr("\r\nCSeq: 2 PRACK\r\n"));
  bob_sends(answer_to(invite, "200 OK"));
  EXPECT_THAT(hands.alice.last("SIP/2.0 200"), HasSubstr("\r\nCSeq: 1 INVITE\r\n"));
}

}  // namespace
}  // namespace bellhop::scenario
