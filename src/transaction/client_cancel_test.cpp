#include "transaction/client_table_for_test.hpp"

namespace bellhop::transaction {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// [RFC3261 9.1] The CANCEL has the INVITE's Request-URI and single Via; its 200 is absorbed, the 487 is passed up.
TEST_F(ClientTable, CancelledInviteEndsWithIts487) {
  const SlotId id = begin("INVITE", udp_flow);
  (void)answer(180);
  table.cancel(id, "SIP;cause=200;text=\"Call completed elsewhere\"", clock.now);
  ASSERT_EQ(clock.output.sent.size(), 2U);
  EXPECT_THAT(last(), StartsWith("CANCEL sip:bob@example.test SIP/2.0\r\n"));
  EXPECT_THAT(last(), HasSubstr("198.51.100.1:5060" + sent.branch + "\r\n"));
  EXPECT_THAT(last(), HasSubstr("CSeq: 314159 CANCEL\r\n"));
  EXPECT_THAT(last(), HasSubstr("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"));
  EXPECT_THAT(last(), Not(HasSubstr("z9hG4bKcaller")));
  EXPECT_EQ(clock.output.sent.back().to, udp_flow);

  EXPECT_EQ(answer_cancel(200).kind, Kind::absorbed);
  EXPECT_EQ(answer_cancel(200).kind, Kind::absorbed);
  const auto match = answer(487);
  EXPECT_EQ(match.kind, Kind::pass_up);
  EXPECT_EQ(match.id, id);
  EXPECT_THAT(last(), StartsWith("ACK "));
  clock.pass(table, 60s);
  EXPECT_EQ(clock.output.sent.size(), 3U);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_THAT(failed, IsEmpty());
}

// [RFC3261 17.1.2.2] The CANCEL is repeated by Timer E as any non-INVITE; nobody is told when it times out.
TEST_F(ClientTable, UnansweredCancelIsRepeatedAndEndsSilently) {
  const SlotId id = begin("INVITE", udp_flow);
  (void)answer(180);
  clock.output.sent.clear();
  table.cancel(id, {}, clock.now);
  clock.pass(table, 40s);
  EXPECT_THAT(clock.output.times(),
              ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms, 27500ms, 31500ms));
  EXPECT_THAT(failed, IsEmpty());
  EXPECT_EQ(table.size(), 1U) << "the INVITE goes on: how long is its core's Timer C or 487 wait";
  EXPECT_EQ(answer(487).kind, Kind::pass_up);
}

// [RFC3261 9.1] No CANCEL before a provisional response, none after the final one, none for another method, one only.
TEST_F(ClientTable, CancelIsSentOnceAndOnlyWhileProceeding) {
  const SlotId id = begin("INVITE", udp_flow);
  table.cancel(id, {}, clock.now);
  EXPECT_EQ(clock.output.sent.size(), 1U);
  (void)answer(100);
  table.cancel(id, {}, clock.now);
  table.cancel(id, {}, clock.now);
  EXPECT_EQ(clock.output.sent.size(), 2U);

  const SlotId answered = begin("INVITE", udp_flow);
  (void)answer(180);
  (void)answer(200);
  const SlotId bye = begin("BYE", udp_flow);
  (void)answer(100);
  clock.output.sent.clear();
  table.cancel(answered, {}, clock.now);
  table.cancel(bye, {}, clock.now);
  table.cancel(SlotId{}, {}, clock.now);
  EXPECT_THAT(clock.output.sent, IsEmpty());
}

// [threats 53] 200 and CANCEL cross: the 200 is passed up, the 481 to the CANCEL harms nothing.
TEST_F(ClientTable, TwoHundredThatCrossesTheCancelIsPassedUp) {
  const SlotId id = begin("INVITE", udp_flow);
  (void)answer(180);
  table.cancel(id, {}, clock.now);
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
  EXPECT_EQ(answer_cancel(481).kind, Kind::absorbed);
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
  clock.pass(table, 40s);
  EXPECT_THAT(failed, IsEmpty());
  EXPECT_EQ(table.size(), 0U);
}

// [threats 49] A response to a CANCEL that was never sent is not ours.
TEST_F(ClientTable, ResponseToAnUnsentCancelIsNotOurs) {
  begin("INVITE", udp_flow);
  (void)answer(180);
  EXPECT_EQ(answer_cancel(200).kind, Kind::not_ours);
}

// [CGP-49] A CANCEL is sent also at the limit.
TEST_F(ClientTable, CancelPassesTheLimit) {
  table.set_limit(1);
  const SlotId id = begin("INVITE", udp_flow);
  (void)answer(180);
  table.cancel(id, {}, clock.now);
  EXPECT_EQ(clock.output.sent.size(), 2U);
  EXPECT_EQ(clock.metrics.gauge("transactions.client").value(), 2);
}

// [RFC3261 9.1, CGP-54] An abandoned INVITE ends by itself after 64*T1, its CANCEL with it, and nobody is told.
TEST_F(ClientTable, AbandonedInviteEndsByItself) {
  const SlotId id = begin("INVITE", udp_flow);
  (void)answer(180);
  table.cancel(id, {}, clock.now);
  table.abandon(id, clock.now);
  clock.pass(table, 31s);
  EXPECT_GE(table.size(), 1U);
  clock.pass(table, 2s);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_THAT(failed, IsEmpty());
}

// [RFC3261 9.1] The CANCEL ends with its INVITE: failed with it, and not told apart from it.
TEST_F(ClientTable, CancelEndsWithItsInvite) {
  const SlotId broken = begin("INVITE", tcp_flow);
  (void)answer(180);
  table.cancel(broken, {}, clock.now);
  table.on_flow_failed(tcp_flow, clock.now);
  clock.turn(table);
  EXPECT_THAT(failed, ElementsAre(Failure{broken, owner, false}));
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace bellhop::transaction
