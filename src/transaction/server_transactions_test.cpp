#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transaction/tables_for_test.hpp"

namespace bellhop::transaction {
namespace {

using Arrival = ServerTransactions::Arrival;
using testing::ElementsAre;
using testing::IsEmpty;

struct End {
  SlotId id, owner;
  bool ack_missing;
  friend bool operator==(const End&, const End&) = default;
};

class ServerTable : public testing::Test {
 protected:
  ServerTable() {
    table.on_end = [this](SlotId id, SlotId owner, bool ack_missing) { ended.push_back({id, owner, ack_missing}); };
  }
  Arrival arrive(const Text& text) { return table.on_request(parsed(text.request()), clock.now); }
  SlotId create(const Text& text, const net::Flow& flow) {
    return table.create(parsed(text.request()), flow, false, clock.now);
  }
  bool answer(SlotId id, int status) { return table.answer(id, {status}, octets(status), clock.now); }
  static std::string octets(int status) { return "SIP/2.0 " + std::to_string(status) + " Text\r\n\r\n"; }
  static Text with_method(std::string method) {
    Text text;
    text.method = std::move(method);
    return text;
  }
  std::uint64_t counted(std::string_view name) { return clock.metrics.counter(name).value(); }

  Clockwork clock;
  Parsed parsed;
  std::vector<End> ended;
  ServerTransactions table{clock.timers, clock.wheel, clock.output, clock.metrics, /*hash_seed=*/7};
  const SlotId fork{42, 3};
};

// [RFC3261 17.2.1] A rejection goes out again by Timer G, to where the first one went, and its end names a missing ACK.
TEST_F(ServerTable, RejectionIsRepeatedByTheWheelUntilTimerH) {
  const SlotId id = create(Text{}, udp_flow);
  table.set_owner(id, fork);
  ASSERT_TRUE(answer(id, 486));

  clock.pass(table, 40s);

  EXPECT_THAT(clock.output.times(),
              ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms, 27500ms, 31500ms));
  for (const auto& sent : clock.output.sent) {
    EXPECT_EQ(sent.octets, octets(486));
    EXPECT_EQ(sent.to, udp_flow);
  }
  EXPECT_THAT(ended, ElementsAre(End{id, fork, true}));
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(counted("transactions.retransmissions.sent"), 10U);
}

// [RFC3261 17.2.1] The ACK ends the repeats; Timer I ends the transaction.
TEST_F(ServerTable, AckEndsTheRepeats) {
  const Text invite;
  const SlotId id = create(invite, udp_flow);
  ASSERT_TRUE(answer(id, 486));
  clock.pass(table, 1s);
  ASSERT_EQ(arrive(with_method("ACK")), Arrival::absorbed);
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
  clock.pass(table, 4999ms);
  EXPECT_EQ(table.size(), 1U);
  clock.pass(table, 1ms);
  EXPECT_THAT(clock.output.times(), ElementsAre(0ms, 500ms));
  EXPECT_THAT(ended, ElementsAre(End{id, SlotId{}, false}));
}

// [RFC3261 17.2.1] A repeated INVITE gets the latest response: none, then 180, then the final.
TEST_F(ServerTable, RepeatedInviteGetsTheLatestResponse) {
  const Text invite;
  const SlotId id = create(invite, udp_flow);
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
  EXPECT_THAT(clock.output.sent, IsEmpty());
  for (const int status : {100, 180, 486}) {
    ASSERT_TRUE(answer(id, status));
    EXPECT_EQ(arrive(invite), Arrival::absorbed);
    ASSERT_EQ(clock.output.sent.size(), 2U);
    EXPECT_EQ(clock.output.sent.back().octets, octets(status));
    clock.output.sent.clear();
  }
  EXPECT_EQ(counted("transactions.retransmissions.received"), 4U);
  EXPECT_EQ(counted("transactions.retransmissions.sent"), 3U);
}

// [RFC6026 7.1] After a 2xx a repeated INVITE is absorbed silently, the core's repeated 2xx passes, Timer L ends it.
TEST_F(ServerTable, AcceptedInviteLeavesRepeatsToTheCore) {
  const Text invite;
  const SlotId id = create(invite, udp_flow);
  ASSERT_TRUE(answer(id, 200));
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
  EXPECT_TRUE(answer(id, 200));
  EXPECT_EQ(clock.output.sent.size(), 2U);
  clock.pass(table, 32s);
  EXPECT_EQ(clock.output.sent.size(), 2U);
  EXPECT_THAT(ended, ElementsAre(End{id, SlotId{}, false}));
}

// [RFC3261 17.2.1] A second final answer is refused and not sent; where to send a late 2xx can still be asked.
TEST_F(ServerTable, SecondFinalIsNotSent) {
  const SlotId id = create(Text{}, udp_flow);
  EXPECT_FALSE(table.answered_finally(id));
  ASSERT_TRUE(answer(id, 180));
  EXPECT_FALSE(table.answered_finally(id));
  ASSERT_TRUE(answer(id, 487));
  EXPECT_TRUE(table.answered_finally(id));
  for (const int late : {180, 200, 486}) EXPECT_FALSE(answer(id, late)) << late;
  EXPECT_EQ(clock.output.sent.size(), 2U);
  ASSERT_NE(table.reply_flow(id), nullptr);
  EXPECT_EQ(*table.reply_flow(id), udp_flow);
}

// [RFC3261 17.2.2] A non-INVITE keeps its final answer for repeats until Timer J.
TEST_F(ServerTable, NonInviteAnswersRepeatsUntilTimerJ) {
  const Text bye = with_method("BYE");
  const SlotId id = create(bye, udp_flow);
  EXPECT_EQ(arrive(bye), Arrival::absorbed);
  EXPECT_THAT(clock.output.sent, IsEmpty());
  ASSERT_TRUE(answer(id, 200));
  clock.pass(table, 31s);
  EXPECT_EQ(arrive(bye), Arrival::absorbed);
  EXPECT_EQ(clock.output.sent.size(), 2U);
  clock.pass(table, 1s);
  EXPECT_EQ(arrive(bye), Arrival::fresh);
  EXPECT_THAT(ended, ElementsAre(End{id, SlotId{}, false}));
}

// [RFC3261 17.2.2] Over TCP Timer J is zero, yet the core is told only after answer() has returned.
TEST_F(ServerTable, EndOverTcpIsToldWithTheNextTurn) {
  const SlotId id = create(with_method("OPTIONS"), tcp_flow);
  ASSERT_TRUE(answer(id, 200));
  EXPECT_THAT(ended, IsEmpty());
  EXPECT_NE(table.reply_flow(id), nullptr);
  clock.turn(table);
  EXPECT_THAT(ended, ElementsAre(End{id, SlotId{}, false}));
  EXPECT_EQ(table.reply_flow(id), nullptr);
}

// [RFC3261 17.2.1] Over TCP a rejection is sent once and Timer I is zero.
TEST_F(ServerTable, AckOverTcpEndsTheTransactionWithTheNextTurn) {
  const SlotId id = create(Text{}, tcp_flow);
  ASSERT_TRUE(answer(id, 486));
  clock.pass(table, 10s);
  EXPECT_EQ(clock.output.sent.size(), 1U);
  EXPECT_EQ(arrive(with_method("ACK")), Arrival::absorbed);
  EXPECT_THAT(ended, IsEmpty());
  clock.turn(table);
  EXPECT_THAT(ended, ElementsAre(End{id, SlotId{}, false}));
}

// [CGP-43] The 100 to a non-INVITE goes out when the client repeats, none before, and again with each repeat.
TEST_F(ServerTable, PreparedTryingIsSentWhenTheClientRepeats) {
  const Text message = with_method("MESSAGE");
  const SlotId id = create(message, udp_flow);
  table.keep_trying(id, octets(100));
  clock.pass(table, 2s);
  EXPECT_THAT(clock.output.sent, IsEmpty());
  EXPECT_EQ(arrive(message), Arrival::absorbed);
  EXPECT_EQ(arrive(message), Arrival::absorbed);
  ASSERT_EQ(clock.output.sent.size(), 2U);
  EXPECT_EQ(clock.output.sent[1].octets, octets(100));
  ASSERT_TRUE(answer(id, 200));
  EXPECT_EQ(arrive(message), Arrival::absorbed);
  EXPECT_EQ(clock.output.sent.back().octets, octets(200));
}

// [CGP-43] A 100 prepared for an INVITE, or after an answer, is not kept.
TEST_F(ServerTable, TryingIsNotPreparedWhereItHasNoPlace) {
  const Text invite, bye = with_method("BYE");
  table.keep_trying(create(invite, udp_flow), octets(100));
  const SlotId answered = create(bye, udp_flow);
  ASSERT_TRUE(answer(answered, 200));
  table.keep_trying(answered, octets(100));
  clock.output.sent.clear();
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
  EXPECT_EQ(arrive(bye), Arrival::absorbed);
  ASSERT_EQ(clock.output.sent.size(), 1U);
  EXPECT_EQ(clock.output.sent[0].octets, octets(200));
}

// [CGP-35] At the limit new requests are dropped and counted; repeats, ACK, CANCEL and BYE of the others still work.
TEST_F(ServerTable, NewRequestsAboveTheLimitAreDropped) {
  table.set_limit(100);
  std::vector<SlotId> ids;
  Text invite;
  for (int i = 0; i < 150; ++i) {
    invite.branch = ";branch=z9hG4bK" + std::to_string(i);
    invite.call_id = std::to_string(i);
    EXPECT_EQ(arrive(invite), Arrival::fresh);
    ids.push_back(create(invite, udp_flow));
    EXPECT_EQ(ids.back().valid(), i < 100);
  }
  EXPECT_EQ(counted("transactions.server.dropped"), 50U);
  EXPECT_EQ(clock.metrics.gauge("transactions.server").value(), 100);

  invite.branch = ";branch=z9hG4bK99";
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
  ASSERT_TRUE(answer(ids[99], 486));
  Text ack = invite, cancel = invite, bye = invite;
  ack.method = "ACK";
  EXPECT_EQ(arrive(ack), Arrival::absorbed);
  cancel.method = "CANCEL";
  EXPECT_TRUE(create(cancel, udp_flow).valid());
  bye.method = "BYE";
  bye.to_tag = "dialog";
  for (int i = 0; i < 50; ++i) {
    bye.branch = ";branch=z9hG4bKbye" + std::to_string(i);
    EXPECT_EQ(create(bye, udp_flow).valid(), i < 24) << "the reserve has an end, too";
  }
}

// [CGP-35] Transactions that end make room again.
TEST_F(ServerTable, EndedTransactionsMakeRoom) {
  table.set_limit(1);
  const SlotId first = create(with_method("OPTIONS"), tcp_flow);
  Text other = with_method("OPTIONS");
  other.branch = ";branch=z9hG4bKother";
  EXPECT_FALSE(create(other, tcp_flow).valid());
  ASSERT_TRUE(answer(first, 200));
  clock.turn(table);
  EXPECT_TRUE(create(other, tcp_flow).valid());
}

// [RFC3261 17.2] There is no server transaction for an ACK, and none twice for one key.
TEST_F(ServerTable, NoTransactionForAnAckOrASecondTime) {
  EXPECT_FALSE(create(with_method("ACK"), udp_flow).valid());
  EXPECT_TRUE(create(Text{}, udp_flow).valid());
  EXPECT_FALSE(create(Text{}, udp_flow).valid());
  EXPECT_EQ(table.size(), 1U);
}

// [RFC4320 4.2] A non-INVITE that cannot be answered in time is forgotten without any response and without a word.
TEST_F(ServerTable, ForgottenTransactionIsSilent) {
  const SlotId id = create(with_method("MESSAGE"), udp_flow);
  table.forget(id);
  table.forget(id);
  clock.pass(table, 60s);
  EXPECT_THAT(clock.output.sent, IsEmpty());
  EXPECT_THAT(ended, IsEmpty());
  EXPECT_EQ(arrive(with_method("MESSAGE")), Arrival::fresh);
}

// [RFC3261 17.2] A stale id finds nothing, even when its place is taken again.
TEST_F(ServerTable, StaleIdFindsNothing) {
  const SlotId old = create(Text{}, udp_flow);
  table.set_owner(old, fork);
  table.forget(old);
  const SlotId fresh = create(Text{}, udp_flow);
  ASSERT_EQ(fresh.index, old.index);
  EXPECT_FALSE(answer(old, 200));
  EXPECT_FALSE(table.owner(old).valid());
  EXPECT_FALSE(table.owner(fresh).valid());
  EXPECT_EQ(table.reply_flow(old), nullptr);
  EXPECT_FALSE(table.answered_finally(old));
  ASSERT_TRUE(answer(fresh, 486));
  clock.now += 500ms;
  table.on_timer(timer_token(TimerKind::server, old), clock.now);
  table.on_timer(timer_token(TimerKind::server, SlotId{100000, 1}), clock.now);
  EXPECT_EQ(clock.output.sent.size(), 1U);
}

// [CGP-76] The monitor sees each transaction with phase, source, owner and count of messages.
TEST_F(ServerTable, MonitorRowsTellWhatIsUnderWay) {
  const SlotId invite = create(Text{}, udp_flow);
  table.set_owner(invite, fork);
  const SlotId options = create(with_method("OPTIONS"), tcp_flow);
  clock.pass(table, 15s);
  ASSERT_TRUE(answer(invite, 180));
  (void)arrive(Text{});
  ASSERT_TRUE(answer(invite, 404));

  std::vector<std::string> rows;
  table.for_each([&](const ServerTransactions::Row& row) {
    rows.push_back(std::string(sip::name_of(row.method)) + " " + row.phase + " " + row.source->remote.to_string() +
                   " " + std::to_string(row.messages) + " " + std::to_string(since_start(row.started).count()));
    if (row.id == invite) {
      EXPECT_EQ(row.owner, fork);
    } else {
      EXPECT_EQ(row.id, options);
    }
  });
  EXPECT_THAT(
      rows, testing::UnorderedElementsAre("INVITE completed 192.0.2.7:5060 5 0", "OPTIONS trying 192.0.2.7:40000 1 0"));
}

// [RFC3261 17.2] The core may create and forget transactions from within on_end.
TEST_F(ServerTable, CoreMayUseTheTableFromWithinOnEnd) {
  const SlotId other = create(with_method("MESSAGE"), udp_flow);
  table.on_end = [&](SlotId, SlotId, bool) {
    table.forget(other);
    Text next;
    next.branch = ";branch=z9hG4bKnext";
    EXPECT_TRUE(create(next, udp_flow).valid());
  };
  ASSERT_TRUE(answer(create(with_method("OPTIONS"), tcp_flow), 200));
  clock.turn(table);
  EXPECT_EQ(table.size(), 1U);
}

}  // namespace
}  // namespace bellhop::transaction
