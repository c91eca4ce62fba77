#include "proxy/fork.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

// The response context told as a story: events in, actions out, in the words of one line each.
namespace bellhop::proxy {
namespace {

class Story {
 public:
  explicit Story(bool invite = true, std::vector<int> q = {1000}) : fork(invite, {seconds(185), seconds(5)}) {
    for (const int value : q) fork.add_branch(static_cast<std::uint16_t>(value));
    fork.begin(now, actions);
  }
  Story& response(unsigned branch, int status) {
    return fork.on_response(static_cast<std::uint16_t>(branch), status, now, actions), *this;
  }
  Story& failed(unsigned branch, int status) {
    return fork.on_failed(static_cast<std::uint16_t>(branch), status, now, actions), *this;
  }
  Story& cancelled() { return fork.on_cancelled(now, actions), *this; }
  Story& after(Duration wait) {
    now += wait;
    while (fork.next_deadline() <= now) fork.on_deadline(now, actions);
    return *this;
  }
  /// What was ordered since the last look: "start0 start1", "best0 own:408 finish".
  std::string orders() {
    static const std::vector<std::string> names{"start", "cancel", "forward", "keep",  "challenge",
                                                "best",  "own",    "abandon", "finish"};
    std::string out;
    for (const Fork::Action& action : actions) {
      if (!out.empty()) out += ' ';
      out += names.at(static_cast<std::size_t>(action.what));
      if (action.what == Fork::Do::answer_own || action.what == Fork::Do::answer_best)
        out += ":" + std::to_string(fork.status().value);
      else if (action.what != Fork::Do::finish)
        out += std::to_string(action.branch);
    }
    actions.clear();
    return out;
  }
  Fork fork;
  Fork::Actions actions;
  TimePoint now{seconds(1000)};
};

// [RFC3261 16.6] Equal q rings at once, lower q only after all of the higher ones ended
TEST(Fork, StartsGroupsOfEqualQInTheirOrder) {
  Story s(true, {500, 1000, 1000});
  EXPECT_EQ(s.orders(), "start1 start2");
  EXPECT_EQ(s.response(1, 486).orders(), "keep1");
  EXPECT_EQ(s.response(2, 404).orders(), "start0") << "no better than 486";
  EXPECT_EQ(s.response(0, 200).orders(), "forward0 finish");
}

// [RFC3261 16.7] Provisional responses go up, 100 does not, nothing provisional after a final answer
TEST(Fork, PassesProvisionalResponses) {
  Story s;
  s.orders();
  EXPECT_EQ(s.response(0, 100).orders(), "");
  EXPECT_EQ(s.response(0, 180).orders(), "forward0");
  EXPECT_EQ(s.response(0, 200).orders(), "forward0 finish");
  EXPECT_EQ(s.response(0, 180).orders(), "");
}

// [RFC3261 16.7] The first 2xx wins; ringing phones are cancelled at once, silent ones as soon as they speak
TEST(Fork, CancelsTheLosers) {
  Story s(true, {1000, 1000, 1000});
  s.orders();
  s.response(0, 180).response(1, 180).orders();
  EXPECT_EQ(s.response(0, 200).orders(), "forward0 cancel1");
  EXPECT_EQ(s.response(2, 180).orders(), "cancel2");
  EXPECT_EQ(s.response(1, 487).orders(), "");
  EXPECT_EQ(s.response(2, 487).orders(), "finish");
}

// [RFC3261 16.7, RFC6026 8.7] Every 2xx to an INVITE goes up, however late
TEST(Fork, PassesEvery2xx) {
  Story s(true, {1000, 1000});
  s.orders();
  s.response(0, 180).response(1, 180).response(0, 200).orders();
  EXPECT_EQ(s.response(1, 200).orders(), "forward1 finish");
  EXPECT_EQ(s.response(1, 200).orders(), "forward1");
}

// [RFC3261 16.7] A 6xx ends the search: others are cancelled, nobody else is tried, and it is the answer
TEST(Fork, EndsWith6xx) {
  Story s(true, {1000, 1000, 100});
  s.orders();
  s.response(1, 180).orders();
  EXPECT_EQ(s.response(0, 603).orders(), "keep0 cancel1");
  EXPECT_EQ(s.response(1, 487).orders(), "best:603 finish");
}

// [RFC3261 16.7] A 200 that crosses the CANCEL after a 6xx still reaches the caller
TEST(Fork, Passes2xxAfter6xx) {
  Story s(true, {1000, 1000});
  s.orders();
  s.response(1, 180).response(0, 600).orders();
  EXPECT_EQ(s.response(1, 200).orders(), "forward1 finish");
}

struct Choice {
  std::vector<int> heard;
  int answered;
};
class Best : public testing::TestWithParam<Choice> {};
INSTANTIATE_TEST_SUITE_P(Of, Best,
                         testing::Values(Choice{{486, 404}, 486}, Choice{{500, 486}, 486}, Choice{{301, 404}, 301},
                                         Choice{{404, 401}, 401}, Choice{{404, 484}, 484}, Choice{{408, 486}, 486},
                                         Choice{{503, 500}, 500}, Choice{{603, 401}, 603}, Choice{{404, 415}, 415},
                                         Choice{{500, 600}, 600}));

// [RFC3261 16.7] The best response: 6xx, then the lowest class, in it what helps the caller to do better
TEST_P(Best, IsChosen) {
  Story s(true, std::vector<int>(GetParam().heard.size(), 1000));
  for (unsigned i = 0; i < GetParam().heard.size(); ++i) s.response(i, GetParam().heard[i]);
  EXPECT_EQ(s.fork.status().value, GetParam().answered);
  EXPECT_TRUE(s.fork.finished());
}

// [RFC3261 16.7] Challenges of all branches are collected into the one that is sent
TEST(Fork, CollectsChallenges) {
  Story s(true, {1000, 1000, 1000});
  s.orders();
  EXPECT_EQ(s.response(0, 407).orders(), "keep0");
  EXPECT_EQ(s.response(1, 401).orders(), "challenge1");
  EXPECT_EQ(s.response(2, 404).orders(), "best:407 finish");
}

// [RFC3261 16.7] A 503 of the next hop is not ours: the caller hears 500
TEST(Fork, HidesThe503OfOneBranch) {
  Story s;
  s.orders();
  EXPECT_EQ(s.response(0, 503).orders(), "keep0 own:500 finish");
}

// [RFC3261 16.7, RFC4320 4.2] Nobody answered: 408 to an INVITE, silence to anything else
TEST(Fork, AnswersInTheCalleesPlace) {
  Story invite;
  invite.orders();
  EXPECT_EQ(invite.failed(0, 408).orders(), "own:408 finish");
  Story other(false);
  other.orders();
  EXPECT_EQ(other.failed(0, 408).orders(), "finish");
  Story unreachable(false);
  unreachable.orders();
  EXPECT_EQ(unreachable.failed(0, 404).orders(), "own:404 finish");
}

// [RFC3261 16.10] A cancelled call: ringing branches get CANCEL, the caller its 487
TEST(Fork, IsCancelled) {
  Story s(true, {1000, 500});
  s.orders();
  s.response(0, 180).orders();
  EXPECT_EQ(s.cancelled().orders(), "cancel0");
  EXPECT_EQ(s.response(0, 487).orders(), "keep0 own:487 finish");
}

// [RFC3261 9.1] No CANCEL before a provisional response
TEST(Fork, WaitsForAProvisionalBeforeItCancels) {
  Story s;
  s.orders();
  EXPECT_EQ(s.cancelled().orders(), "");
  EXPECT_EQ(s.response(0, 100).orders(), "cancel0");
}

// [CGP-54] The callee never ends the cancelled call: after the wait the caller is answered in its place
TEST(Fork, GivesUpOnA487ThatNeverComes) {
  Story s;
  s.orders();
  s.response(0, 180).cancelled().orders();
  EXPECT_EQ(s.after(seconds(4)).orders(), "");
  EXPECT_EQ(s.after(seconds(2)).orders(), "own:487");
  EXPECT_EQ(s.after(seconds(33)).orders(), "abandon0 finish");
}

// [RFC3261 16.7] A 2xx that comes after we answered in the callee's place goes up like any other
TEST(Fork, PassesA2xxThatComesAfterItGaveUp) {
  Story s;
  s.orders();
  s.response(0, 180).cancelled().after(seconds(6)).orders();
  EXPECT_EQ(s.response(0, 200).orders(), "forward0 finish");
}

// [CGP-54] Cancelled before anything was heard: the caller gets 487 after the wait, a late 180 still its CANCEL
TEST(Fork, AnswersTheCallerThoughTheCalleeIsSilent) {
  Story s;
  s.orders();
  s.cancelled().orders();
  EXPECT_EQ(s.after(seconds(6)).orders(), "own:487");
  EXPECT_EQ(s.response(0, 180).orders(), "cancel0");
  EXPECT_EQ(s.response(0, 487).orders(), "finish");
}

// [RFC3261 16.8] Timer C: a phone that rings too long is cancelled; each provisional response starts it anew
TEST(Fork, EndsRingingByTimerC) {
  Story s;
  s.orders();
  s.response(0, 180).orders();
  s.after(seconds(100)).response(0, 180).orders();
  EXPECT_EQ(s.after(seconds(184)).orders(), "");
  EXPECT_EQ(s.after(seconds(2)).orders(), "cancel0");
  EXPECT_EQ(s.response(0, 487).orders(), "keep0 best:487 finish");
}

// [RFC3261 16.7] Non-INVITE: the first 2xx is the answer, a second one is not passed
TEST(Fork, PassesOne2xxOfANonInvite) {
  Story s(false, {1000, 1000});
  s.orders();
  EXPECT_EQ(s.response(0, 200).orders(), "forward0");
  EXPECT_EQ(s.response(1, 200).orders(), "finish");
}

// [RFC3261 16.7] Redirections that are followed: their targets are tried as further branches
TEST(Fork, FollowsARedirection) {
  Story s;
  s.orders();
  s.fork.add_branch(900);
  s.fork.on_redirected(0, s.now, s.actions);
  EXPECT_EQ(s.orders(), "start1");
  EXPECT_EQ(s.response(1, 200).orders(), "forward1 finish");
}

// [RFC3263 4.3, RFC3261 9.1] A branch that went on to its next target is as if just started: Timer C runs anew, and
// CANCEL waits for a 1xx
TEST(Fork, StartsAnewAtTheNextTarget) {
  Story s;
  s.orders();
  s.response(0, 100).after(seconds(100)).fork.on_retried(0, s.now);
  EXPECT_EQ(s.after(seconds(184)).orders(), "") << "284 s after the first INVITE";
  EXPECT_EQ(s.cancelled().orders(), "") << "no 1xx from the second";
  EXPECT_FALSE(s.fork.wanted(0));
  EXPECT_EQ(s.response(0, 180).orders(), "cancel0");
  EXPECT_EQ(s.response(0, 487).orders(), "keep0 own:487 finish");
}

// [RFC3263 4.3] No further target for a branch that ended, was cancelled, or lost to another one
TEST(Fork, KnowsWhoIsWanted) {
  Story s(true, {1000, 1000, 500});
  EXPECT_TRUE(s.fork.wanted(0));
  EXPECT_FALSE(s.fork.wanted(2)) << "not started yet";
  s.response(0, 486);
  EXPECT_FALSE(s.fork.wanted(0));
  EXPECT_TRUE(s.fork.wanted(1));
  s.response(1, 603);
  EXPECT_FALSE(s.fork.wanted(1));
  EXPECT_FALSE(s.fork.wanted(2));
  Story other(true, {1000, 1000});
  other.response(0, 200);
  EXPECT_FALSE(other.fork.wanted(1)) << "somebody answered";
  EXPECT_FALSE(other.fork.wanted(7));
}

}  // namespace
}  // namespace bellhop::proxy
