#include "transaction/client_table_for_test.hpp"

namespace bellhop::transaction {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// [RFC3261 17.1.1.2] The INVITE leaves at once and again by Timer A; Timer B tells the core, once, from on_timer().
TEST_F(ClientTable, SilentPeerIsToldByTimerB) {
  const SlotId id = begin("INVITE", udp_flow);
  EXPECT_THAT(clock.output.times(), ElementsAre(0ms));

  clock.pass(table, 60s);

  EXPECT_THAT(clock.output.times(), ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms));
  for (const auto& out : clock.output.sent) {
    EXPECT_EQ(out.octets, sent.request());
    EXPECT_EQ(out.to, udp_flow);
  }
  EXPECT_THAT(failed, ElementsAre(Failure{id, owner, true}));
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(counted("transactions.retransmissions.sent"), 6U);
}

// [RFC3261 17.1.2.2] A non-INVITE is repeated by Timer E and ends with Timer F.
TEST_F(ClientTable, SilentPeerOfANonInviteIsToldByTimerF) {
  const SlotId id = begin("MESSAGE", udp_flow);
  clock.pass(table, 60s);
  EXPECT_EQ(clock.output.sent.size(), 11U);
  EXPECT_THAT(failed, ElementsAre(Failure{id, owner, true}));
}

// [RFC3261 17.1.1.3] A rejection is acknowledged at the hop it came from, with its To tag, and passed up once.
TEST_F(ClientTable, RejectionIsAcknowledgedAndRepeatsOfItAreAbsorbed) {
  const SlotId id = begin("INVITE", udp_flow);
  EXPECT_EQ(answer(180).kind, Kind::pass_up);
  const auto match = answer(486);
  EXPECT_EQ(match.kind, Kind::pass_up);
  EXPECT_EQ(match.id, id);
  EXPECT_EQ(match.owner, owner);
  ASSERT_EQ(clock.output.sent.size(), 2U);
  const std::string ack = last();
  EXPECT_THAT(ack, StartsWith("ACK sip:bob@example.test SIP/2.0\r\n"));
  EXPECT_THAT(ack, HasSubstr("198.51.100.1:5060" + sent.branch + "\r\n"));
  EXPECT_THAT(ack, HasSubstr(";tag=callee\r\n"));
  EXPECT_THAT(ack, HasSubstr("CSeq: 314159 ACK\r\n"));
  EXPECT_THAT(ack, testing::Not(HasSubstr("z9hG4bKcaller")));
  EXPECT_EQ(clock.output.sent.back().to, udp_flow);

  clock.pass(table, 31s);
  EXPECT_EQ(answer(486).kind, Kind::absorbed);
  EXPECT_EQ(last(), ack);
  EXPECT_EQ(clock.output.sent.size(), 3U);
  clock.pass(table, 1s);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(answer(486).kind, Kind::not_ours);
  EXPECT_THAT(failed, IsEmpty());
}

// [RFC3261 17.1.1.2] Over TCP the ACK is sent, too, and Timer D is zero; the id stays good for the core until then.
TEST_F(ClientTable, RejectionOverTcpEndsWithTheNextTurn) {
  begin("INVITE", tcp_flow);
  EXPECT_EQ(answer(404).kind, Kind::pass_up);
  EXPECT_THAT(last(), StartsWith("ACK "));
  EXPECT_EQ(table.size(), 1U);
  clock.turn(table);
  EXPECT_EQ(table.size(), 0U);
}

// [RFC6026 7.2] Every 2xx is passed up until Timer M and none is acknowledged from here.
TEST_F(ClientTable, EveryTwoHundredIsPassedUpUntilTimerM) {
  begin("INVITE", udp_flow);
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
  clock.pass(table, 31s);
  Text other_callee = sent;
  other_callee.to_tag = "another";
  EXPECT_EQ(arrive(other_callee, 200).kind, Kind::pass_up);
  EXPECT_EQ(answer(180).kind, Kind::absorbed);
  EXPECT_EQ(clock.output.sent.size(), 1U);
  clock.pass(table, 1s);
  EXPECT_EQ(answer(200).kind, Kind::not_ours);
}

// [threats 53] 6xx and a late 200, two 200s: every 200 reaches the core.
TEST_F(ClientTable, LateTwoHundredBehindARejectionIsPassedUp) {
  begin("INVITE", udp_flow);
  EXPECT_EQ(answer(603).kind, Kind::pass_up);
  const std::size_t before = clock.output.sent.size();
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
  EXPECT_EQ(clock.output.sent.size(), before);
}

// [threats 50] 300 x 180 and then 486: the core gets them all, the last one included.
TEST_F(ClientTable, StormOfProvisionalsEndsInItsRejection) {
  begin("INVITE", udp_flow);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(answer(180).kind, Kind::pass_up);
  EXPECT_EQ(answer(486).kind, Kind::pass_up);
  EXPECT_EQ(table.size(), 1U);
}

// [threats 34] A response that answers nothing we sent is dropped: no branch of ours, one long gone, none at all.
TEST_F(ClientTable, StrayResponsesAreNotOurs) {
  for (const int status : {100, 180, 200, 500}) {
    for (const char* branch : {";branch=z9hG4bK776asdhds", ";branch=z9hG4bK", ";branch=1", ""}) {
      Text stray;
      stray.branch = branch;
      EXPECT_EQ(arrive(stray, status).kind, Kind::not_ours);
    }
  }
  EXPECT_THAT(clock.output.sent, IsEmpty());
}

// [threats 35] A stray response whose second Via names a victim is dropped and reflected to nobody.
TEST_F(ClientTable, StrayResponseWithAVictimInItsSecondViaIsNotReflected) {
  begin("INVITE", udp_flow);
  clock.output.sent.clear();
  Text stray = sent;
  stray.branch.back() = stray.branch.back() == '0' ? '1' : '0';
  stray.more_vias = "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKvictim\r\n";
  EXPECT_EQ(arrive(stray, 200).kind, Kind::not_ours);
  EXPECT_THAT(clock.output.sent, IsEmpty());
}

// [threats 49] A callee that adds, removes or alters Via, branch or CSeq method in its response is not listened to.
TEST_F(ClientTable, AlteredResponsesAreNotOurs) {
  begin("INVITE", udp_flow);
  Text host = sent, port = sent, method = sent, branch = sent, added = sent, removed = sent, on_top = sent;
  host.sent_by = "198.51.100.2:5060";
  port.sent_by = "198.51.100.1";
  method.method = "OPTIONS";
  branch.branch.pop_back();
  added.more_vias += "Via: SIP/2.0/UDP 203.0.113.9\r\n";
  removed.more_vias.clear();
  on_top.sent_by = "203.0.113.9";
  on_top.branch = ";branch=z9hG4bKx\r\nVia: SIP/2.0/UDP " + sent.sent_by + sent.branch;
  for (const Text& text : {host, port, method, branch, added, removed, on_top}) {
    EXPECT_EQ(arrive(text, 200).kind, Kind::not_ours) << text.response(200);
  }
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
}

// [threats 49] An altered method is noticed for methods without a number of their own, too.
TEST_F(ClientTable, AlteredUnknownMethodIsNotOurs) {
  begin("JUMP", udp_flow);
  Text other = sent;
  other.method = "LEAP";
  EXPECT_EQ(arrive(other, 200).kind, Kind::not_ours);
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
}

// [RFC3581 4] What the peer adds to our own Via (received, rport) does not matter.
TEST_F(ClientTable, ReceivedAndRportInOurViaAreWelcome) {
  begin("INVITE", udp_flow);
  sent.branch += ";received=198.51.100.1;rport=5060";
  EXPECT_EQ(answer(180).kind, Kind::pass_up);
}

// [RFC3261 17.1.2.2] Repeats of a final non-INVITE response are absorbed until Timer K, then they are strays.
TEST_F(ClientTable, RepeatedFinalOfANonInviteIsAbsorbedUntilTimerK) {
  begin("BYE", udp_flow);
  EXPECT_EQ(answer(100).kind, Kind::pass_up);
  EXPECT_EQ(answer(200).kind, Kind::pass_up);
  EXPECT_EQ(answer(200).kind, Kind::absorbed);
  EXPECT_EQ(counted("transactions.retransmissions.received"), 1U);
  clock.pass(table, 5s);
  EXPECT_EQ(answer(200).kind, Kind::not_ours);
  EXPECT_EQ(clock.output.sent.size(), 1U);
}

// [CGP-49] At the limit nothing new is started, and that is counted.
TEST_F(ClientTable, NothingIsStartedAboveTheLimit) {
  table.set_limit(2);
  const SlotId first = table.reserve();
  EXPECT_TRUE(table.reserve().valid());
  EXPECT_FALSE(table.reserve().valid());
  EXPECT_EQ(counted("transactions.client.refused"), 1U);
  EXPECT_EQ(clock.metrics.gauge("transactions.client").value(), 2);
  table.release(first);
  EXPECT_TRUE(table.reserve().valid());
}

// [RFC3261 17.1] There is no client transaction for an ACK; its slot is free again.
TEST_F(ClientTable, AckIsNotStarted) {
  begin("ACK", udp_flow);
  EXPECT_THAT(clock.output.sent, IsEmpty());
  EXPECT_EQ(table.size(), 0U);
}

// [RFC3261 17.1] A reserved slot is silent; a started one cannot be released or started again.
TEST_F(ClientTable, ReservedSlotIsNoTransactionYet) {
  const SlotId reserved = table.reserve();
  EXPECT_EQ(arrive(outgoing(reserved, "INVITE"), 200).kind, Kind::not_ours);
  table.for_each([](const ClientTransactions::Row&) { ADD_FAILURE(); });

  const SlotId id = begin("INVITE", udp_flow);
  table.release(id);
  table.start(id, sip::Method::bye, "BYE", tcp_flow, owner, clock.now);
  EXPECT_EQ(clock.output.sent.size(), 1U);
  EXPECT_EQ(answer(180).kind, Kind::pass_up);
}

// [RFC3261 17.1.4] A broken connection fails what waits on it, from on_timer() and not before.
TEST_F(ClientTable, BrokenConnectionFailsItsTransactionsWithTheNextTurn) {
  const SlotId invite = begin("INVITE", tcp_flow);
  (void)answer(180);
  const SlotId options = begin("OPTIONS", tcp_flow);
  const SlotId elsewhere = begin("OPTIONS", flow_to(sip::Transport::tcp, "192.0.2.7:40000", 4));

  table.on_flow_failed(tcp_flow, clock.now);
  EXPECT_THAT(failed, IsEmpty());
  clock.turn(table);

  EXPECT_THAT(failed, testing::UnorderedElementsAre(Failure{invite, owner, false}, Failure{options, owner, false}));
  EXPECT_EQ(table.size(), 1U);
  clock.pass(table, 32s);
  EXPECT_EQ(failed.back(), (Failure{elsewhere, owner, true}));
}

// [RFC3261 18.4] An ICMP error fails what waits for that UDP endpoint, from whichever socket it was sent.
TEST_F(ClientTable, UnreachableEndpointFailsItsTransactions) {
  const SlotId id = begin("INVITE", udp_flow);
  begin("INVITE", flow_to(sip::Transport::udp, "192.0.2.7:5062"));
  net::Flow other_socket = udp_flow;
  other_socket.socket = 9;
  other_socket.local = *Endpoint::parse("198.51.100.1:5080");
  table.on_flow_failed(other_socket, clock.now);
  clock.turn(table);
  EXPECT_THAT(failed, ElementsAre(Failure{id, owner, false}));
}

// [RFC3261 17.1.4] What has its final response is not failed any more.
TEST_F(ClientTable, BrokenConnectionDoesNotConcernWhatIsAnswered) {
  begin("INVITE", udp_flow);
  (void)answer(200);
  begin("INVITE", udp_flow);
  (void)answer(486);
  table.on_flow_failed(udp_flow, clock.now);
  clock.pass(table, 40s);
  EXPECT_THAT(failed, IsEmpty());
}

// [RFC3261 17.1.4] A response that crosses the failure of its transport is absorbed; the core hears of the failure
// once.
TEST_F(ClientTable, ResponseBehindATransportFailureIsAbsorbed) {
  const SlotId id = begin("INVITE", udp_flow);
  table.on_flow_failed(udp_flow, clock.now);
  table.on_flow_failed(udp_flow, clock.now);
  EXPECT_EQ(answer(200).kind, Kind::absorbed);
  clock.turn(table);
  EXPECT_THAT(failed, ElementsAre(Failure{id, owner, false}));
}

// [RFC3261 17.1] The core may start the next target's transaction from within on_failure.
TEST_F(ClientTable, CoreMayStartTheNextTargetFromWithinOnFailure) {
  begin("INVITE", udp_flow);
  int calls = 0;
  table.on_failure = [&](SlotId, SlotId, bool) {
    if (++calls == 1) begin("INVITE", tcp_flow);
  };
  clock.pass(table, 32s);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(clock.output.sent.back().to, tcp_flow);
  EXPECT_EQ(table.size(), 1U);
}

// [RFC3261 16.6] A branch of ours gives back its loop value and its shard, those of strangers nothing.
TEST_F(ClientTable, BranchTellsLoopValueAndShard) {
  std::string branch;
  table.append_branch(branch, table.reserve(), loop);
  EXPECT_EQ(table.loop_value(branch), loop);
  EXPECT_EQ(table.shard_of(branch), 5);
  EXPECT_EQ(table.loop_value("z9hG4bK776asdhds"), std::nullopt);
  EXPECT_EQ(table.shard_of("z9hG4bK776asdhds"), std::nullopt);

  ClientTransactions later{clock.timers, clock.wheel, clock.output, clock.metrics, key, /*shard=*/2, /*epoch=*/99};
  EXPECT_EQ(later.loop_value(branch), loop);
  EXPECT_EQ(later.shard_of(branch), 5);
}

// [RFC3261 8.1.1.7] After a restart with the same key the same slot makes another branch, and old answers find nobody.
TEST_F(ClientTable, BranchesOfAnEarlierProcessDoNotComeAgain) {
  begin("INVITE", udp_flow);
  ClientTransactions later{clock.timers, clock.wheel, clock.output, clock.metrics, key, /*shard=*/5, /*epoch=*/99};
  const SlotId id = later.reserve();
  std::string branch = ";branch=";
  later.append_branch(branch, id, loop);
  EXPECT_NE(branch, sent.branch);
  Text sent_later = sent;
  sent_later.branch = branch;
  later.start(id, sip::Method::invite, sent_later.request(), udp_flow, owner, clock.now);
  EXPECT_EQ(later.on_response(parsed(sent.response(200)), clock.now).kind, Kind::not_ours);
  EXPECT_EQ(later.on_response(parsed(sent_later.response(200)), clock.now).kind, Kind::pass_up);
}

// [CGP-77] The monitor sees each transaction with phase, target, owner and count of messages.
TEST_F(ClientTable, MonitorRowsTellWhatIsUnderWay) {
  begin("INVITE", udp_flow);
  (void)answer(180);
  begin("OPTIONS", tcp_flow);
  std::vector<std::string> rows;
  table.for_each([&](const ClientTransactions::Row& row) {
    EXPECT_EQ(row.owner, owner);
    EXPECT_EQ(row.started, start);
    rows.push_back(std::string(sip::name_of(row.method)) + " " + row.phase + " " + row.target->remote.to_string() +
                   " " + std::to_string(row.messages));
  });
  EXPECT_THAT(rows,
              testing::UnorderedElementsAre("INVITE proceeding 192.0.2.7:5060 2", "OPTIONS trying 192.0.2.7:40000 1"));
}

}  // namespace
}  // namespace bellhop::transaction
