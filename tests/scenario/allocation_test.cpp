#include <gtest/gtest.h>

#include "base/allocations_for_test.hpp"
#include "shard/call_text_for_test.hpp"

namespace bellhop::scenario {
namespace {

using shard::CallText;
using shard::LoneShard;

/// What a shard takes from the heap for a message, once calls have come and gone over it.
class CallAllocations : public testing::Test {
 protected:
  CallAllocations() {
    server.hear(CallText::bob, CallText::registration());
    for (int i = 0; i < 40; ++i) {
      const CallText text(next++);
      ring(text);
      cost(CallText::bob, CallText::answer(invite, "183 Session Progress"));
      answer(text);
      hang_up(text);
      server.hear(CallText::alice, text.message());
      server.hear(CallText::bob, CallText::answer(last, "200 OK"));
    }
    server.pass(seconds(40));
  }
  /// Hears a message; how many allocations that took.
  std::size_t cost(const Endpoint& from, const std::string& octets) {
    const std::size_t before = allocations_made;
    const std::string& sent = server.hear(from, octets);
    const std::size_t taken = allocations_made - before;
    last = sent;
    return taken;
  }
  void ring(const CallText& text) {
    cost(CallText::alice, text.invite());
    invite = last;
    cost(CallText::bob, CallText::answer(invite, "180 Ringing"));
  }
  void answer(const CallText& text) {
    cost(CallText::bob, CallText::answer(invite, "200 OK"));
    answered = last;
    cost(CallText::alice, text.in_dialog("ACK", answered));
  }
  void hang_up(const CallText& text) {
    cost(CallText::alice, text.in_dialog("BYE", answered));
    cost(CallText::bob, CallText::answer(last, "200 OK"));
  }

  LoneShard server{std::string(CallText::config)};
  std::string last, invite, answered;
  unsigned next = 0;
};

// [threats 50] What is repeated costs no heap: an INVITE that rings, its 180 passed on, the 200 of a call and of a BYE.
TEST_F(CallAllocations, RepeatsCostNone) {
  const CallText text(next++);
  ring(text);
  EXPECT_EQ(cost(CallText::alice, text.invite()), 0U);
  EXPECT_TRUE(last.starts_with("SIP/2.0 180")) << last;
  answer(text);
  EXPECT_EQ(cost(CallText::bob, CallText::answer(invite, "200 OK")), 0U);
  EXPECT_TRUE(last.starts_with("SIP/2.0 200")) << last;
  const std::string bye = text.in_dialog("BYE", answered);
  cost(CallText::alice, bye);
  const std::string answer = CallText::answer(last, "200 OK");
  cost(CallText::bob, answer);
  EXPECT_EQ(cost(CallText::alice, bye), 0U);
  EXPECT_TRUE(last.starts_with("SIP/2.0 200")) << last;
  EXPECT_EQ(cost(CallText::bob, answer), 0U);
}

// [RFC3261 16.7] A response on its way back costs no heap. The answer to a call leaves a log line and a remainder
// behind.
TEST_F(CallAllocations, ResponsesCostNone) {
  const CallText text(next++);
  cost(CallText::alice, text.invite());
  invite = last;
  for (const char* status : {"100 Trying", "180 Ringing", "183 Session Progress", "180 Ringing"})
    EXPECT_EQ(cost(CallText::bob, CallText::answer(invite, status)), 0U) << status;
  EXPECT_LE(cost(CallText::bob, CallText::answer(invite, "200 OK")), 5U);
  answered = last;
  cost(CallText::alice, text.in_dialog("BYE", answered));
  EXPECT_EQ(cost(CallText::bob, CallText::answer(last, "200 OK")), 0U);
  cost(CallText::alice, text.message());
  EXPECT_EQ(cost(CallText::bob, CallText::answer(last, "200 OK")), 0U);
}

// [RFC3261 16.6] A request that is forwarded takes a few pieces of heap: itself, its targets, what is known of it.
TEST_F(CallAllocations, RequestsCostFew) {
  const CallText text(next++);
  EXPECT_LE(cost(CallText::alice, text.invite()), 6U);
  invite = last;
  cost(CallText::bob, CallText::answer(invite, "200 OK"));
  answered = last;
  EXPECT_LE(cost(CallText::alice, text.in_dialog("ACK", answered)), 3U);
  EXPECT_LE(cost(CallText::alice, text.in_dialog("BYE", answered)), 4U);
  EXPECT_LE(cost(CallText::alice, text.message()), 6U);
}

}  // namespace
}  // namespace bellhop::scenario
