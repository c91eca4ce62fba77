#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transaction/machines.hpp"
#include "transaction/play_for_test.hpp"

namespace bellhop::transaction {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr bool udp = false;
constexpr bool tcp = true;
const Timers timers{};

class InviteServerOn : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Transports, InviteServerOn, testing::Values(udp, tcp),
                         [](const auto& run) { return run.param ? "Tcp" : "Udp"; });
class NonInviteServerOn : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Transports, NonInviteServerOn, testing::Values(udp, tcp),
                         [](const auto& run) { return run.param ? "Tcp" : "Udp"; });

// [RFC3261 17.2.1] Timer G doubles from T1 to T2, Timer H ends the wait at 64*T1.
TEST(InviteServer, RejectionWithoutAckRepeatsUpToT2AndGivesUpAfter64T1) {
  InviteServer tx{timers, udp};
  ASSERT_TRUE(tx.answer({486}, start));

  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent,
              ElementsAre(500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms, 27500ms, 31500ms));
  EXPECT_EQ(played.ended, 32s);
  EXPECT_TRUE(played.ack_missing);
  EXPECT_EQ(tx.state(), InviteServer::State::terminated);
}

// [RFC3261 17.2.1] Timer G is not set on a reliable transport; Timer H is, for all transports.
TEST(InviteServer, RejectionOverTcpIsSentOnceAndWaitsTheSameForItsAck) {
  InviteServer tx{timers, tcp};
  ASSERT_TRUE(tx.answer({603}, start));

  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent, IsEmpty());
  EXPECT_EQ(played.ended, 32s);
  EXPECT_TRUE(played.ack_missing);
}

// [RFC3261 17.2.1] An ACK moves Completed to Confirmed: Timer G is silent, Timer I ends it after T4.
TEST(InviteServer, AckStopsTheRepeatsAndTimerIEndsItAfterT4) {
  InviteServer tx{timers, udp};
  ASSERT_TRUE(tx.answer({404}, start));
  EXPECT_THAT(play_until(tx, start + 2s).sent, ElementsAre(500ms, 1500ms));

  EXPECT_TRUE(nothing(tx.on_ack(start + 2s)));
  EXPECT_EQ(tx.state(), InviteServer::State::confirmed);
  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent, IsEmpty());
  EXPECT_EQ(played.ended, 7s);
  EXPECT_FALSE(played.ack_missing);
}

// [RFC3261 17.2.1] Timer I is zero on a reliable transport.
TEST(InviteServer, AckOverTcpEndsItAtOnce) {
  InviteServer tx{timers, tcp};
  ASSERT_TRUE(tx.answer({404}, start));
  EXPECT_TRUE(nothing(tx.on_ack(start + 1s)));
  EXPECT_EQ(tx.next_deadline(), start + 1s);
  EXPECT_EQ(play_until_silent(tx).ended, 1s);
}

// [RFC3261 17.2.1] Confirmed absorbs further ACKs without starting Timer I again.
TEST(InviteServer, RepeatedAckDoesNotProlongTheWait) {
  InviteServer tx{timers, udp};
  ASSERT_TRUE(tx.answer({404}, start));
  (void)tx.on_ack(start + 1s);
  EXPECT_TRUE(nothing(tx.on_ack(start + 4s)));
  EXPECT_TRUE(nothing(tx.on_invite_again()));
  EXPECT_EQ(play_until_silent(tx).ended, 6s);
}

// [RFC3261 17.2.1] A repeated INVITE in Proceeding gets the latest provisional response, once there is one.
TEST_P(InviteServerOn, RepeatInProceedingGetsTheLatestProvisional) {
  InviteServer tx{timers, GetParam()};
  EXPECT_TRUE(nothing(tx.on_invite_again()));
  EXPECT_EQ(tx.next_deadline(), std::nullopt);

  EXPECT_TRUE(tx.answer({100}, start)->send);
  EXPECT_TRUE(tx.answer({180}, start + 1s)->send);

  EXPECT_TRUE(tx.on_invite_again().send);
  EXPECT_EQ(tx.state(), InviteServer::State::proceeding);
  EXPECT_EQ(tx.next_deadline(), std::nullopt);
}

// [RFC3261 17.2.1] A repeated INVITE in Completed gets the final response again and leaves Timer G alone.
TEST_P(InviteServerOn, RepeatInCompletedGetsTheFinalAgain) {
  InviteServer tx{timers, GetParam()};
  ASSERT_TRUE(tx.answer({480}, start));
  const auto deadline = tx.next_deadline();
  EXPECT_TRUE(tx.on_invite_again().send);
  EXPECT_EQ(tx.next_deadline(), deadline);
}

// [RFC3261 17.2.1] An ACK before any final response changes nothing.
TEST_P(InviteServerOn, AckInProceedingIsAbsorbed) {
  InviteServer tx{timers, GetParam()};
  EXPECT_TRUE(nothing(tx.on_ack(start)));
  EXPECT_EQ(tx.state(), InviteServer::State::proceeding);
}

// [RFC6026 7.1] A 2xx leads to Accepted, which absorbs repeats of the INVITE silently and ends with Timer L at 64*T1.
TEST_P(InviteServerOn, AcceptedAbsorbsRepeatsUntilTimerL) {
  InviteServer tx{timers, GetParam()};
  EXPECT_TRUE(tx.answer({200}, start)->send);
  EXPECT_EQ(tx.state(), InviteServer::State::accepted);
  EXPECT_TRUE(nothing(tx.on_invite_again()));

  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent, IsEmpty());
  EXPECT_EQ(played.ended, 32s);
  EXPECT_FALSE(played.ack_missing);
}

// [RFC6026 7.1] In Accepted the core's repeated 2xx is transmitted, without touching Timer L.
TEST_P(InviteServerOn, RepeatedTwoHundredOfTheCorePasses) {
  InviteServer tx{timers, GetParam()};
  ASSERT_TRUE(tx.answer({200}, start));
  EXPECT_TRUE(tx.answer({200}, start + 10s)->send);
  EXPECT_EQ(tx.next_deadline(), start + 32s);
}

// [RFC6026 7.1] An ACK in Accepted goes to the core and does not end the transaction.
TEST_P(InviteServerOn, AckInAcceptedIsForTheCore) {
  InviteServer tx{timers, GetParam()};
  ASSERT_TRUE(tx.answer({200}, start));
  EXPECT_TRUE(tx.on_ack(start + 1s).pass_up);
  EXPECT_EQ(tx.state(), InviteServer::State::accepted);
}

// [RFC3261 17.2.1] After a final response no other is taken: the first one stands.
TEST_P(InviteServerOn, SecondFinalOrLateProvisionalIsRefused) {
  InviteServer rejected{timers, GetParam()};
  ASSERT_TRUE(rejected.answer({486}, start));
  for (const int late : {180, 200, 486, 603}) {
    const auto result = rejected.answer({late}, start + 1s);
    ASSERT_FALSE(result) << late;
    EXPECT_EQ(result.error(), AnswerError::already_final);
  }
  InviteServer accepted{timers, GetParam()};
  ASSERT_TRUE(accepted.answer({200}, start));
  for (const int late : {180, 486}) EXPECT_FALSE(accepted.answer({late}, start + 1s)) << late;
}

// [RFC3261 17.2.1] A terminated transaction is silent and refuses answers.
TEST_P(InviteServerOn, NothingMovesATerminatedTransaction) {
  InviteServer tx{timers, GetParam()};
  ASSERT_TRUE(tx.answer({486}, start));
  (void)play_until_silent(tx);
  EXPECT_EQ(tx.answer({200}, start + 40s).error(), AnswerError::terminated);
  EXPECT_TRUE(nothing(tx.on_invite_again()));
  EXPECT_TRUE(nothing(tx.on_ack(start + 40s)));
  EXPECT_TRUE(nothing(tx.on_deadline(start + 40s)));
  EXPECT_EQ(tx.next_deadline(), std::nullopt);
}

// [RFC3261 17.2.1] Timers G and H follow a changed T1 and T2.
TEST(InviteServer, OtherT1AndT2ScaleTheRepeats) {
  Timers quick;
  quick.t1 = 100ms;
  quick.t2 = 300ms;
  InviteServer tx{quick, udp};
  ASSERT_TRUE(tx.answer({486}, start));
  EXPECT_THAT(play_until(tx, start + 1s).sent, ElementsAre(100ms, 300ms, 600ms, 900ms));
  EXPECT_EQ(play_until_silent(tx).ended, 6400ms);
}

// [RFC3261 17.2.1] A stalled shard sends once and goes on from there, instead of making up for what it missed.
TEST(InviteServer, RepeatsMissedInAStallAreNotMadeUpFor) {
  InviteServer tx{timers, udp};
  ASSERT_TRUE(tx.answer({486}, start));
  EXPECT_TRUE(tx.on_deadline(start + 5s).send);
  EXPECT_EQ(tx.next_deadline(), start + 6s);
}

// [RFC3261 17.2.1] Nothing happens before the deadline.
TEST_P(InviteServerOn, EarlyDeadlineDoesNothing) {
  InviteServer tx{timers, GetParam()};
  EXPECT_TRUE(nothing(tx.on_deadline(start)));
  ASSERT_TRUE(tx.answer({486}, start));
  EXPECT_TRUE(nothing(tx.on_deadline(start + 499ms)));
}

// [RFC3261 17.2.2] Trying discards repeats; Proceeding repeats the latest provisional.
TEST_P(NonInviteServerOn, RepeatIsDiscardedInTryingAndAnsweredInProceeding) {
  NonInviteServer tx{timers, GetParam()};
  EXPECT_EQ(tx.state(), NonInviteServer::State::trying);
  EXPECT_TRUE(nothing(tx.on_request_again()));

  EXPECT_TRUE(tx.answer({100}, start)->send);
  EXPECT_EQ(tx.state(), NonInviteServer::State::proceeding);
  EXPECT_TRUE(tx.on_request_again().send);
  EXPECT_TRUE(tx.answer({182}, start + 1s)->send);
  EXPECT_EQ(tx.next_deadline(), std::nullopt);
}

// [RFC3261 17.2.2] Timer J keeps the final response for 64*T1 over UDP, and not at all over TCP.
TEST_P(NonInviteServerOn, TimerJIs64T1OverUdpAndZeroOverTcp) {
  NonInviteServer tx{timers, GetParam()};
  ASSERT_TRUE(tx.answer({100}, start));
  EXPECT_TRUE(tx.answer({200}, start)->send);
  EXPECT_EQ(tx.state(), NonInviteServer::State::completed);
  EXPECT_TRUE(tx.on_request_again().send);

  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent, IsEmpty());
  EXPECT_EQ(played.ended, GetParam() ? 0ms : 32s);
  EXPECT_FALSE(played.ack_missing);
}

// [RFC3261 17.2.2] Erratum 1470: Trying goes to Completed too when the first answer is final.
TEST_P(NonInviteServerOn, FinalAnswerInTryingCompletes) {
  for (const int status : {200, 302, 404, 500, 603}) {
    NonInviteServer tx{timers, GetParam()};
    EXPECT_TRUE(tx.answer({status}, start)->send);
    EXPECT_EQ(tx.state(), NonInviteServer::State::completed) << status;
  }
}

// [RFC3261 17.2.2] Any other response after the final one is discarded.
TEST_P(NonInviteServerOn, SecondFinalIsRefused) {
  NonInviteServer tx{timers, GetParam()};
  ASSERT_TRUE(tx.answer({200}, start));
  for (const int late : {100, 200, 500}) {
    EXPECT_EQ(tx.answer({late}, start + 1ms).error(), AnswerError::already_final) << late;
  }
  (void)play_until_silent(tx);
  EXPECT_EQ(tx.answer({200}, start + 40s).error(), AnswerError::terminated);
  EXPECT_TRUE(nothing(tx.on_request_again()));
  EXPECT_TRUE(nothing(tx.on_deadline(start + 40s)));
}

// [RFC4320 4.2] A request nobody answers in time stays silent: the machine makes no response of its own.
TEST_P(NonInviteServerOn, UnansweredRequestMakesNoResponseByItself) {
  NonInviteServer tx{timers, GetParam()};
  const Played played = play_until_silent(tx);
  EXPECT_THAT(played.sent, IsEmpty());
  EXPECT_EQ(played.ended, std::nullopt);
}

}  // namespace
}  // namespace bellhop::transaction
