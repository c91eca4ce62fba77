#include "net/turn_watch.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "net/clock.hpp"

namespace bellhop::net {
namespace {

/// Waits up to a minute for the watch to catch something.
const char* caught_by_watch(TurnMark& mark) {
  for (const TimePoint deadline = clock_now() + seconds(60); clock_now() < deadline;) {
    if (const char* step = mark.take_caught()) return step;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return nullptr;
}

// [house 5] A turn that does not end is caught in its step, also when the watch has long met nothing.
TEST(TurnWatch, CatchesTheStep) {
  TurnMark busy, idle;
  TurnWatch watch({&idle, &busy});
  std::this_thread::sleep_for(20 * longest_turn);
  EXPECT_EQ(busy.take_caught(), nullptr) << "no turn is under way";
  busy.begin(clock_now());
  busy.step("reading a book");
  EXPECT_STREQ(caught_by_watch(busy), "reading a book");
  busy.end();
  EXPECT_EQ(idle.take_caught(), nullptr);
}

// [house 5] Only a turn that lasts too long is caught, and only the first step it is found in.
TEST(TurnMark, IsCaughtOnceItLastsTooLong) {
  TurnMark mark;
  const TimePoint begin = clock_now();
  EXPECT_FALSE(mark.look(begin));
  mark.begin(begin);
  mark.step("first");
  EXPECT_TRUE(mark.look(begin + longest_turn));
  EXPECT_EQ(mark.take_caught(), nullptr);
  EXPECT_TRUE(mark.look(begin + longest_turn + Duration(1)));
  mark.step("second");
  EXPECT_TRUE(mark.look(begin + 2 * longest_turn));
  EXPECT_STREQ(mark.take_caught(), "first");
  EXPECT_EQ(mark.take_caught(), nullptr);
  mark.end();
  EXPECT_FALSE(mark.look(begin + 3 * longest_turn));
}

}  // namespace
}  // namespace bellhop::net
