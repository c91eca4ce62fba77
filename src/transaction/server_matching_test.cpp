#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transaction/tables_for_test.hpp"

namespace bellhop::transaction {
namespace {

using Arrival = ServerTransactions::Arrival;

class ServerMatching : public testing::Test {
 protected:
  Arrival arrive(const Text& text) { return table.on_request(parsed(text.request()), clock.now); }
  SlotId create(const Text& text, bool track_merge = false) {
    return table.create(parsed(text.request()), udp_flow, track_merge, clock.now);
  }
  SlotId cancelled_by(const Text& text) { return table.find_cancelled(parsed(text.request())); }

  Clockwork clock;
  Parsed parsed;
  ServerTransactions table{clock.timers, clock.wheel, clock.output, clock.metrics, /*hash_seed=*/7};
};

// [RFC3261 17.2.3] Branch, sent-by and method decide whether a request is a repeat; nothing else does.
TEST_F(ServerMatching, RepeatIsKnownByBranchSentByAndMethod) {
  const Text invite;
  ASSERT_EQ(arrive(invite), Arrival::fresh);
  ASSERT_TRUE(create(invite).valid());
  EXPECT_EQ(arrive(invite), Arrival::absorbed);

  Text rest = invite;
  rest.call_id = "another";
  rest.from_tag = "other";
  rest.uri = "sip:carol@example.test";
  rest.cseq = 1;
  EXPECT_EQ(arrive(rest), Arrival::absorbed);

  Text branch = invite, host = invite, port = invite, method = invite;
  branch.branch = ";branch=z9hG4bK776asdhdt";
  host.sent_by = "192.0.2.8:5060";
  port.sent_by = "192.0.2.7:5061";
  method.method = "OPTIONS";
  for (const Text& other : {branch, host, port, method}) EXPECT_EQ(arrive(other), Arrival::fresh) << other.request();
}

// [RFC3261 7.3.1] Branch and sent-by host are compared without case.
TEST_F(ServerMatching, CaseOfBranchAndHostDoesNotMatter) {
  Text text;
  text.sent_by = "pc33.example.test";
  ASSERT_TRUE(create(text).valid());
  text.sent_by = "PC33.Example.Test";
  text.branch = ";branch=Z9HG4BK776ASDHDS";
  EXPECT_EQ(arrive(text), Arrival::absorbed);
}

// [RFC3261 17.2.3] Unknown methods are told apart by their name, in its case.
TEST_F(ServerMatching, UnknownMethodsAreToldApartByName) {
  Text text;
  text.method = "JUMP";
  ASSERT_TRUE(create(text).valid());
  EXPECT_EQ(arrive(text), Arrival::absorbed);
  text.method = "jump";
  EXPECT_EQ(arrive(text), Arrival::fresh);
}

// [RFC3261 17.2.1] The ACK to a non-2xx carries the INVITE's branch and is absorbed; repeats of it too.
TEST_F(ServerMatching, AckToARejectionIsAbsorbed) {
  const Text invite;
  const SlotId id = create(invite);
  ASSERT_TRUE(table.answer(id, {486}, invite.response(486), clock.now));
  Text ack = invite;
  ack.method = "ACK";
  ack.to_tag = "t";
  EXPECT_EQ(arrive(ack), Arrival::absorbed);
  EXPECT_EQ(arrive(ack), Arrival::absorbed);
  EXPECT_EQ(clock.metrics.counter("transactions.retransmissions.received").value(), 1U);
}

// [RFC6026 7.1] An ACK whose INVITE was answered 2xx, or of which nothing is known, is for the core.
TEST_F(ServerMatching, AckToATwoHundredIsForTheCore) {
  const Text invite;
  Text ack = invite;
  ack.method = "ACK";
  EXPECT_EQ(arrive(ack), Arrival::fresh);
  const SlotId id = create(invite);
  ASSERT_TRUE(table.answer(id, {200}, invite.response(200), clock.now));
  EXPECT_EQ(arrive(ack), Arrival::fresh);
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
}

// [RFC3261 17.2.1] An ACK that comes before any final answer is not passed on.
TEST_F(ServerMatching, AckBeforeAnyFinalAnswerIsAbsorbed) {
  const Text invite;
  (void)create(invite);
  Text ack = invite;
  ack.method = "ACK";
  EXPECT_EQ(arrive(ack), Arrival::absorbed);
}

// [RFC3261 9.2] A CANCEL finds the INVITE with its branch and sent-by and is itself a transaction of its own.
TEST_F(ServerMatching, CancelFindsItsInvite) {
  const Text invite;
  const SlotId id = create(invite);
  Text cancel = invite;
  cancel.method = "CANCEL";
  EXPECT_EQ(cancelled_by(cancel), id);
  EXPECT_EQ(arrive(cancel), Arrival::fresh);
  ASSERT_TRUE(create(cancel).valid());
  EXPECT_EQ(arrive(cancel), Arrival::absorbed);
}

// [threats 54] A CANCEL with another branch or sent-by finds nothing, nor does one for a request that is no INVITE.
TEST_F(ServerMatching, CancelWithOtherBranchOrSentByFindsNothing) {
  const Text invite;
  (void)create(invite);
  Text branch = invite, host = invite, port = invite;
  branch.branch = ";branch=z9hG4bKguess";
  host.sent_by = "203.0.113.1:5060";
  port.sent_by = "192.0.2.7";
  for (Text cancel : {branch, host, port}) {
    cancel.method = "CANCEL";
    EXPECT_FALSE(cancelled_by(cancel).valid()) << cancel.request();
  }
  Text message = invite;
  message.method = "MESSAGE";
  message.branch = ";branch=z9hG4bKmessage";
  (void)create(message);
  message.method = "CANCEL";
  EXPECT_FALSE(cancelled_by(message).valid());
}

// [RFC3261 8.2.2.2] The same From tag, Call-ID and CSeq over another path is a merged request while the first is there.
TEST_F(ServerMatching, CopyOverAnotherPathIsMerged) {
  const Text first;
  const SlotId id = create(first, /*track_merge=*/true);
  Text copy = first;
  copy.branch = ";branch=z9hG4bKotherpath";
  EXPECT_EQ(arrive(copy), Arrival::merged);

  Text in_dialog = copy, tag = copy, call_id = copy, cseq = copy, method = copy;
  in_dialog.to_tag = "known";
  tag.from_tag = "x";
  call_id.call_id = "x";
  cseq.cseq = 1;
  method.method = "CANCEL";
  for (const Text& other : {in_dialog, tag, call_id, cseq, method}) EXPECT_EQ(arrive(other), Arrival::fresh);

  table.forget(id);
  EXPECT_EQ(arrive(copy), Arrival::fresh);
}

// [RFC3261 8.2.2.2] Only requests registered for it are compared: what a proxy forwards may come by again (a spiral).
TEST_F(ServerMatching, SpiralIsNotMergedUnlessAskedFor) {
  const Text first;
  (void)create(first, /*track_merge=*/false);
  Text spiral = first;
  spiral.branch = ";branch=z9hG4bKspiral";
  EXPECT_EQ(arrive(spiral), Arrival::fresh);
}

// [RFC3261 8.2.2.2] The end of a merged copy leaves the first request registered.
TEST_F(ServerMatching, MergedCopyThatEndsLeavesTheFirstRegistered) {
  const Text first;
  (void)create(first, true);
  Text copy = first;
  copy.branch = ";branch=z9hG4bKcopy";
  table.forget(create(copy, true));
  EXPECT_EQ(arrive(copy), Arrival::merged);
}

class Rfc2543Matching : public ServerMatching {
 protected:
  Rfc2543Matching() { invite.branch = ";ttl=16"; }
  Text invite;
};

// [RFC3261 17.2.3] Without cookie Request-URI, tags, Call-ID, CSeq and top Via decide.
TEST_F(Rfc2543Matching, InviteRepeatIsKnownByItsHeaders) {
  ASSERT_EQ(arrive(invite), Arrival::fresh);
  ASSERT_TRUE(create(invite).valid());
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
  Text uri = invite, to = invite, from = invite, call_id = invite, cseq = invite, via = invite, old_branch = invite;
  uri.uri = "sip:carol@example.test";
  to.to_tag = "x";
  from.from_tag = "x";
  call_id.call_id = "x";
  cseq.cseq = 1;
  via.sent_by = "192.0.2.9";
  old_branch.branch = ";branch=1";
  for (const Text& other : {uri, to, from, call_id, cseq, via, old_branch}) {
    EXPECT_EQ(arrive(other), Arrival::fresh) << other.request();
  }
}

// [RFC3261 17.2.3] The ACK matches when its To tag is that of the response sent.
TEST_F(Rfc2543Matching, AckNeedsTheToTagOfTheResponse) {
  const SlotId id = create(invite);
  Text answer = invite;
  answer.to_tag = "ours";
  ASSERT_TRUE(table.answer(id, {404}, answer.response(404), clock.now));
  Text ack = invite;
  ack.method = "ACK";
  ack.to_tag = "theirs";
  EXPECT_EQ(arrive(ack), Arrival::fresh);
  ack.to_tag = "ours";
  EXPECT_EQ(arrive(ack), Arrival::absorbed);
  EXPECT_EQ(arrive(ack), Arrival::absorbed);
  clock.pass(table, 5s);
  EXPECT_EQ(table.size(), 0U);
}

// [RFC6026 6] An ACK without cookie that matches an Accepted INVITE goes to the core.
TEST_F(Rfc2543Matching, AckToATwoHundredIsForTheCore) {
  const SlotId id = create(invite);
  ASSERT_TRUE(table.answer(id, {200}, invite.response(200), clock.now));
  Text ack = invite;
  ack.method = "ACK";
  EXPECT_EQ(arrive(ack), Arrival::fresh);
}

// [RFC3261 17.2.3] Other methods match with To tag and CSeq method included.
TEST_F(Rfc2543Matching, OtherMethodsMatchWithTheirToTag) {
  Text bye = invite;
  bye.method = "BYE";
  bye.to_tag = "a";
  ASSERT_TRUE(create(bye).valid());
  EXPECT_EQ(arrive(bye), Arrival::absorbed);
  bye.to_tag = "b";
  EXPECT_EQ(arrive(bye), Arrival::fresh);
}

// [RFC3261 9.2] A CANCEL without cookie finds its INVITE by the same rule.
TEST_F(Rfc2543Matching, CancelFindsItsInvite) {
  const SlotId id = create(invite);
  Text cancel = invite;
  cancel.method = "CANCEL";
  EXPECT_EQ(cancelled_by(cancel), id);
  cancel.to_tag = "x";
  EXPECT_FALSE(cancelled_by(cancel).valid());
  cancel.to_tag = "";
  cancel.cseq = 2;
  EXPECT_FALSE(cancelled_by(cancel).valid());
}

// [RFC4475 3.2.1] A cookie with nothing behind it identifies nothing: such requests are matched by their headers.
TEST_F(Rfc2543Matching, BareCookieDoesNotMixUpTwoCalls) {
  invite.branch = ";branch=z9hG4bK";
  ASSERT_TRUE(create(invite).valid());
  EXPECT_EQ(arrive(invite), Arrival::absorbed);
  invite.call_id = "second";
  EXPECT_EQ(arrive(invite), Arrival::fresh);
}

}  // namespace
}  // namespace bellhop::transaction
