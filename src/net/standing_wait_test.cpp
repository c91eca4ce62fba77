#include "net/standing_wait.hpp"

#include <gtest/gtest.h>

namespace bellhop::net {
namespace {

struct StandingWaitTest : testing::Test {
  /// Something is read every millisecond for so long, and each has waited this long.
  Duration read_for(Duration time, Duration waited) {
    Duration standing{};
    for (const TimePoint end = now + time; now < end; now += milliseconds(1)) standing = wait.note(waited, now);
    return standing;
  }
  StandingWait wait;
  TimePoint now = TimePoint(seconds(1'000'000));
};

// [CGP-36] What comes after a pause has waited long, and no queue stands.
TEST_F(StandingWaitTest, APauseThatIsWorkedOffIsNone) {
  EXPECT_EQ(read_for(milliseconds(150), seconds(1)), Duration::zero());
  EXPECT_EQ(read_for(milliseconds(500), milliseconds(2)), milliseconds(2));
  now += seconds(3);
  EXPECT_EQ(read_for(milliseconds(150), seconds(1)), Duration::zero()) << "another pause, and nothing noted before";
}

// [CGP-36] Where nothing waits a short time any more the queue stands, from the second window on.
TEST_F(StandingWaitTest, AQueueThatIsNeverShortStands) {
  EXPECT_EQ(read_for(StandingWait::window, milliseconds(300)), Duration::zero());
  EXPECT_EQ(read_for(milliseconds(1), milliseconds(300)), milliseconds(300));
  EXPECT_EQ(read_for(seconds(2), milliseconds(250)), milliseconds(250));
  EXPECT_EQ(read_for(milliseconds(1), milliseconds(5)), milliseconds(5)) << "one short wait, and it does not";
  EXPECT_EQ(read_for(milliseconds(100), milliseconds(300)), milliseconds(5));
  EXPECT_EQ(read_for(seconds(1), milliseconds(300)), milliseconds(300));
}

}  // namespace
}  // namespace bellhop::net
