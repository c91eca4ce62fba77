// What a shard tells its wire about what it sends (net::Wire::set_subject).
#include <gmock/gmock.h>

#include "shard/call_text_for_test.hpp"

namespace bellhop::shard {
namespace {

using ::testing::StartsWith;

// [house 5] All that is sent while a message of a call is worked on is about that call, and what a timer sends is about
// nothing.
TEST(Subject, IsTheCall) {
  LoneShard server{std::string(CallText::config)};
  server.hear(CallText::bob, CallText::registration());
  const std::uint64_t registration = server.last_subject();
  EXPECT_NE(registration, 0u);

  const CallText first(1), second(2);
  const std::string to_bob = server.hear(CallText::alice, first.invite());
  ASSERT_THAT(to_bob, StartsWith("INVITE"));
  const std::uint64_t call = server.last_subject();
  EXPECT_NE(call, 0u);
  EXPECT_NE(call, registration);
  server.hear(CallText::alice, second.invite());
  EXPECT_NE(server.last_subject(), call);
  const std::uint64_t another = server.last_subject();

  const std::size_t sent = server.sent();
  server.pass(milliseconds(600));
  ASSERT_GT(server.sent(), sent) << "Timer A repeats the INVITEs";
  EXPECT_EQ(server.last_subject(), 0u);

  const std::string to_alice = server.hear(CallText::bob, CallText::answer(to_bob, "200 OK"));
  ASSERT_THAT(to_alice, StartsWith("SIP/2.0 200"));
  EXPECT_EQ(server.last_subject(), call);
  ASSERT_THAT(server.hear(CallText::alice, first.in_dialog("ACK", to_alice)), StartsWith("ACK"));
  EXPECT_EQ(server.last_subject(), call);
  ASSERT_THAT(server.hear(CallText::alice, second.message()), StartsWith("MESSAGE"));
  EXPECT_EQ(server.last_subject(), another) << "one Call-ID, one subject";
}

// [threats 10] What cannot be read is about nothing, also after something that could.
TEST(Subject, OfTheUnreadableIsNone) {
  LoneShard server{std::string(CallText::config)};
  server.hear(CallText::bob, CallText::registration());
  ASSERT_NE(server.last_subject(), 0u);
  std::string bad = CallText::registration();
  bad.replace(bad.find("CSeq: 1 "), 8, "CSeq: x ");
  ASSERT_THAT(server.hear(CallText::alice, bad), StartsWith("SIP/2.0 400"));
  EXPECT_EQ(server.last_subject(), 0u);
}

}  // namespace
}  // namespace bellhop::shard
