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

class InviteClientOn : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Transports, InviteClientOn, testing::Values(udp, tcp),
                         [](const auto& run) { return run.param ? "Tcp" : "Udp"; });
class NonInviteClientOn : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Transports, NonInviteClientOn, testing::Values(udp, tcp),
                         [](const auto& run) { return run.param ? "Tcp" : "Udp"; });

// [RFC3261 17.1.1.2] Timer A doubles without a cap from T1: seven requests in all; Timer B reports a time-out.
TEST(InviteClient, SilentPeerGetsSevenInvitesAndTimerBReportsATimeOut) {
  InviteClient tx{timers, udp, start};

  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent, ElementsAre(500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms));
  EXPECT_EQ(played.ended, 32s);
  EXPECT_TRUE(played.timed_out);
  EXPECT_EQ(tx.state(), InviteClient::State::terminated);
}

// [RFC3261 17.1.1.2] Over a reliable transport Timer A does not run; Timer B does.
TEST(InviteClient, SilentPeerOverTcpGetsOneInvite) {
  InviteClient tx{timers, tcp, start};
  const Played played = play_until_silent(tx);
  EXPECT_THAT(played.sent, IsEmpty());
  EXPECT_EQ(played.ended, 32s);
  EXPECT_TRUE(played.timed_out);
}

// [CGP-53] Timer B is set on its own, so that the next target is tried early; T1 and the repeats stay as they are.
TEST_P(InviteClientOn, TimerBOfFiveSecondsEndsTheWaitAtFiveSeconds) {
  Timers impatient;
  impatient.timer_b = 5s;
  InviteClient tx{impatient, GetParam(), start};
  const Played played = play_until_silent(tx);
  if (GetParam() == udp) {
    EXPECT_THAT(played.sent, ElementsAre(500ms, 1500ms, 3500ms));
  }
  EXPECT_EQ(played.ended, 5s);
  EXPECT_TRUE(played.timed_out);
  EXPECT_EQ(impatient.give_up(), 32s);
}

// [RFC3261 17.1.1.2] A provisional response stops Timers A and B; each one is passed up.
TEST_P(InviteClientOn, AnyProvisionalStopsRepeatsAndTimeOut) {
  InviteClient tx{timers, GetParam(), start};
  for (const int status : {100, 180, 183, 199}) {
    const Effects effects = tx.on_response({status}, start + 400ms);
    EXPECT_TRUE(effects.pass_up) << status;
    EXPECT_FALSE(effects.drop_request) << status;
    EXPECT_EQ(tx.state(), InviteClient::State::proceeding);
  }
  EXPECT_EQ(tx.next_deadline(), std::nullopt);
  EXPECT_TRUE(nothing(tx.on_deadline(start + 3600s)));
}

// [RFC3261 17.1.1.2] 300-699 in Calling or Proceeding: passed up, ACK made, Timer D runs: 32 s over UDP, zero over TCP.
TEST_P(InviteClientOn, RejectionIsAcknowledgedAndTimerDFollows) {
  for (const bool ringing : {false, true}) {
    for (const int status : {300, 486, 500, 699}) {
      InviteClient tx{timers, GetParam(), start};
      if (ringing) (void)tx.on_response({180}, start);
      const Effects effects = tx.on_response({status}, start + 1s);
      EXPECT_TRUE(effects.pass_up);
      EXPECT_TRUE(effects.make_ack);
      EXPECT_TRUE(effects.drop_request);
      EXPECT_FALSE(effects.terminated);
      EXPECT_EQ(tx.state(), InviteClient::State::completed);

      const Played played = play_until_silent(tx);

      EXPECT_THAT(played.sent, IsEmpty());
      EXPECT_EQ(played.ended, GetParam() ? 1s : 33s);
      EXPECT_FALSE(played.timed_out);
    }
  }
}

// [RFC3261 17.1.1.2] Timer D is at least 32 seconds over UDP, whatever it is set to; more is taken.
TEST(InviteClient, TimerDIsNeverBelow32Seconds) {
  for (const auto& [set, expected] : {std::pair{1s, 32s}, std::pair{60s, 60s}}) {
    Timers changed;
    changed.timer_d = set;
    InviteClient tx{changed, udp, start};
    (void)tx.on_response({486}, start);
    EXPECT_EQ(play_until_silent(tx).ended, expected);
  }
}

// [RFC3261 17.1.1.2] A repeated final in Completed sends the ACK again and is not passed up; a late 1xx is dropped.
TEST_P(InviteClientOn, RepeatedRejectionIsAcknowledgedAgainAndAbsorbed) {
  InviteClient tx{timers, GetParam(), start};
  (void)tx.on_response({486}, start);
  const Effects repeat = tx.on_response({486}, start);
  EXPECT_TRUE(repeat.send);
  EXPECT_FALSE(repeat.pass_up);
  EXPECT_FALSE(repeat.make_ack);
  EXPECT_TRUE(nothing(tx.on_response({180}, start)));
  EXPECT_EQ(tx.state(), InviteClient::State::completed);
}

// [threats 53] 6xx and a late 200 from one branch: the 200 is passed up and not acknowledged by the transaction.
TEST_P(InviteClientOn, TwoHundredAfterARejectionStillReachesTheCore) {
  InviteClient tx{timers, GetParam(), start};
  (void)tx.on_response({603}, start);
  const Effects late = tx.on_response({200}, start);
  EXPECT_TRUE(late.pass_up);
  EXPECT_FALSE(late.send);
  EXPECT_FALSE(late.make_ack);
}

// [RFC6026 7.2] A 2xx leads to Accepted: no ACK from here, every further 2xx passes up, Timer M ends it at 64*T1.
TEST_P(InviteClientOn, AcceptedPassesEveryTwoHundredUpUntilTimerM) {
  for (const bool ringing : {false, true}) {
    InviteClient tx{timers, GetParam(), start};
    if (ringing) (void)tx.on_response({180}, start);
    const Effects first = tx.on_response({200}, start);
    EXPECT_TRUE(first.pass_up);
    EXPECT_TRUE(first.drop_request);
    EXPECT_FALSE(first.make_ack);
    EXPECT_EQ(tx.state(), InviteClient::State::accepted);
    EXPECT_TRUE(tx.on_response({200}, start + 20s).pass_up);
    EXPECT_TRUE(nothing(tx.on_response({180}, start + 20s)));
    EXPECT_TRUE(nothing(tx.on_response({486}, start + 20s)));

    const Played played = play_until_silent(tx);

    EXPECT_THAT(played.sent, IsEmpty());
    EXPECT_EQ(played.ended, 32s);
    EXPECT_FALSE(played.timed_out);
  }
}

// [RFC3261 17.1.4] A transport error ends it; in Accepted nothing is sent that could fail (RFC 6026 section 7.2).
TEST_P(InviteClientOn, TransportErrorEndsEveryStateButAccepted) {
  InviteClient calling{timers, GetParam(), start};
  EXPECT_TRUE(calling.on_transport_error().terminated);
  EXPECT_EQ(calling.next_deadline(), std::nullopt);

  InviteClient proceeding{timers, GetParam(), start};
  (void)proceeding.on_response({180}, start);
  EXPECT_TRUE(proceeding.on_transport_error().terminated);

  InviteClient completed{timers, GetParam(), start};
  (void)completed.on_response({486}, start);
  EXPECT_TRUE(completed.on_transport_error().terminated);

  InviteClient accepted{timers, GetParam(), start};
  (void)accepted.on_response({200}, start);
  EXPECT_TRUE(nothing(accepted.on_transport_error()));
  EXPECT_EQ(accepted.state(), InviteClient::State::accepted);
}

// [RFC3261 17.1.1.2] A terminated transaction is silent.
TEST_P(InviteClientOn, NothingMovesATerminatedTransaction) {
  InviteClient tx{timers, GetParam(), start};
  (void)play_until_silent(tx);
  for (const int status : {180, 200, 486}) EXPECT_TRUE(nothing(tx.on_response({status}, start + 40s))) << status;
  EXPECT_TRUE(nothing(tx.on_deadline(start + 40s)));
  EXPECT_EQ(tx.state(), InviteClient::State::terminated);
}

// [RFC3261 17.1.2.2] Timer E doubles from T1 and stays at T2 (erratum 2769); Timer F reports a time-out.
TEST(NonInviteClient, SilentPeerGetsElevenRequestsAndTimerFReportsATimeOut) {
  NonInviteClient tx{timers, udp, start};

  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent,
              ElementsAre(500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms, 27500ms, 31500ms));
  EXPECT_EQ(played.ended, 32s);
  EXPECT_TRUE(played.timed_out);
}

// [RFC3261 17.1.2.2] Over a reliable transport Timer E does not run; Timer F does.
TEST(NonInviteClient, SilentPeerOverTcpGetsOneRequest) {
  NonInviteClient tx{timers, tcp, start};
  const Played played = play_until_silent(tx);
  EXPECT_THAT(played.sent, IsEmpty());
  EXPECT_EQ(played.ended, 32s);
  EXPECT_TRUE(played.timed_out);
}

// [RFC3261 17.1.2.2] In Proceeding Timer E is reset to T2 when it fires next; Timer F goes on.
TEST(NonInviteClient, ProvisionalSlowsTheRepeatsToT2AtOnce) {
  NonInviteClient tx{timers, udp, start};
  const Effects effects = tx.on_response({100}, start + 100ms);
  EXPECT_TRUE(effects.pass_up);
  EXPECT_FALSE(effects.drop_request);

  const Played played = play_until_silent(tx);

  EXPECT_THAT(played.sent, ElementsAre(500ms, 4500ms, 8500ms, 12500ms, 16500ms, 20500ms, 24500ms, 28500ms));
  EXPECT_EQ(played.ended, 32s);
  EXPECT_TRUE(played.timed_out);
}

// [RFC3261 17.1.2.2] Further provisionals are passed up without another change of state.
TEST_P(NonInviteClientOn, EveryProvisionalIsPassedUp) {
  NonInviteClient tx{timers, GetParam(), start};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(tx.on_response({183}, start).pass_up);
  EXPECT_EQ(tx.state(), NonInviteClient::State::proceeding);
}

// [RFC3261 17.1.2.2] A final in Trying or Proceeding is passed up; Timer K absorbs repeats: T4 over UDP, zero over TCP.
TEST_P(NonInviteClientOn, FinalCompletesAndTimerKAbsorbsRepeats) {
  for (const bool trying : {false, true}) {
    for (const int status : {200, 302, 401, 503, 600}) {
      NonInviteClient tx{timers, GetParam(), start};
      if (!trying) (void)tx.on_response({100}, start);
      const Effects effects = tx.on_response({status}, start + 1s);
      EXPECT_TRUE(effects.pass_up);
      EXPECT_TRUE(effects.drop_request);
      EXPECT_FALSE(effects.make_ack);
      EXPECT_EQ(tx.state(), NonInviteClient::State::completed);
      EXPECT_TRUE(nothing(tx.on_response({status}, start + 1s)));

      const Played played = play_until_silent(tx);

      EXPECT_THAT(played.sent, IsEmpty());
      EXPECT_EQ(played.ended, GetParam() ? 1s : 6s);
      EXPECT_FALSE(played.timed_out);
    }
  }
}

// [RFC4320 4.2] The client machine reports the time-out of a non-INVITE; what is made of it (no 408) is the core's.
TEST_P(NonInviteClientOn, TimeOutInProceedingIsReportedToo) {
  NonInviteClient tx{timers, GetParam(), start};
  (void)tx.on_response({100}, start);
  EXPECT_TRUE(play_until_silent(tx).timed_out);
}

// [RFC3261 17.1.4] A transport error ends it; in Completed nothing is sent that could fail.
TEST_P(NonInviteClientOn, TransportErrorEndsEveryStateButCompleted) {
  NonInviteClient trying{timers, GetParam(), start};
  EXPECT_TRUE(trying.on_transport_error().terminated);
  EXPECT_EQ(trying.next_deadline(), std::nullopt);
  EXPECT_TRUE(nothing(trying.on_response({200}, start)));

  NonInviteClient completed{timers, GetParam(), start};
  (void)completed.on_response({200}, start);
  EXPECT_TRUE(nothing(completed.on_transport_error()));
}

// [CGP-53] Timer F follows its own setting as Timer B does.
TEST_P(NonInviteClientOn, TimerFIsSetOnItsOwn) {
  Timers impatient;
  impatient.timer_f = 3s;
  NonInviteClient tx{impatient, GetParam(), start};
  EXPECT_EQ(play_until_silent(tx).ended, 3s);
}

}  // namespace
}  // namespace bellhop::transaction
