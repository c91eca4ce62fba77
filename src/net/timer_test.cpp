#include "net/timer.hpp"

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.hpp"

namespace bellhop::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const TimePoint start{seconds(1'700'000'000)};

std::vector<std::uint64_t> advance(TimerWheel& wheel, TimePoint now) {
  std::vector<std::uint64_t> fired;
  wheel.advance(now, [&](std::uint64_t token) { fired.push_back(token); });
  return fired;
}

// [house 5] A timer never fires early and at most one tick of 1 ms late.
TEST(TimerWheel, FiresAtTheFirstTickNotBeforeTheDeadline) {
  TimerWheel wheel{start};
  Timer timer{7};
  wheel.arm(timer, start + microseconds(1'200));
  EXPECT_EQ(wheel.next_deadline(), start + 2ms);
  EXPECT_THAT(advance(wheel, start + microseconds(1'999)), IsEmpty());
  EXPECT_TRUE(timer.armed());
  EXPECT_THAT(advance(wheel, start + 2ms), ElementsAre(7));
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.next_deadline(), never);
}

// [house 5] Deadlines fire in the order of their ticks, whatever the order of arming and the levels they lay in.
TEST(TimerWheel, OneLongJumpFiresEverythingInOrderOfDeadlines) {
  TimerWheel wheel{start};
  Timer hours3{3}, second32{2}, millis500{1}, day50{4};
  wheel.arm(hours3, start + 3h);
  wheel.arm(day50, start + 50 * 24h);
  wheel.arm(millis500, start + 500ms);
  wheel.arm(second32, start + 32s);
  EXPECT_THAT(advance(wheel, start + 3h), ElementsAre(1, 2, 3));
  EXPECT_THAT(advance(wheel, start + 60 * 24h), ElementsAre(4));
}

// [house 5] Re-arming moves a timer; disarming and destroying take it out.
TEST(TimerWheel, RearmedDisarmedAndDestroyedTimersLeaveTheirOldPlace) {
  TimerWheel wheel{start};
  Timer moved{1}, disarmed{2};
  auto destroyed = std::make_unique<Timer>(3);
  wheel.arm(moved, start + 10ms);
  wheel.arm(disarmed, start + 10ms);
  wheel.arm(*destroyed, start + 10ms);
  wheel.arm(moved, start + 20ms);
  disarmed.disarm();
  destroyed.reset();
  EXPECT_EQ(wheel.next_deadline(), start + 20ms);
  EXPECT_THAT(advance(wheel, start + 19ms), IsEmpty());
  EXPECT_THAT(advance(wheel, start + 20ms), ElementsAre(1));
}

// [house 5] A deadline in the past fires at the next advance, even when the clock has not moved.
TEST(TimerWheel, PastDeadlineFiresAtTheNextAdvance) {
  TimerWheel wheel{start};
  ASSERT_THAT(advance(wheel, start + 1s), IsEmpty());
  Timer timer{1};
  wheel.arm(timer, start + 1ms);
  EXPECT_LE(wheel.next_deadline(), start + 1s);
  EXPECT_THAT(advance(wheel, start + 1s), ElementsAre(1));
}

// [house 5] A timer that re-arms itself at once cannot keep the loop inside one advance.
TEST(TimerWheel, TimerArmedWhileFiringWaitsForTheNextAdvance) {
  TimerWheel wheel{start};
  Timer timer{1};
  wheel.arm(timer, start + 1ms);
  int fired = 0;
  const auto again = [&](std::uint64_t) {
    ++fired;
    wheel.arm(timer, start + 1ms);
  };
  wheel.advance(start + 10ms, again);
  EXPECT_EQ(fired, 1);
  wheel.advance(start + 10ms, again);
  EXPECT_EQ(fired, 2);
}

// [house 5] A firing timer may disarm or destroy another that is due in the same tick.
TEST(TimerWheel, FiringTimerMayTakeOutItsNeighbours) {
  TimerWheel wheel{start};
  Timer first{1}, disarmed{2};
  auto destroyed = std::make_unique<Timer>(3);
  Timer last{4};
  for (Timer* timer : {&first, &disarmed, destroyed.get(), &last}) wheel.arm(*timer, start + 5ms);
  std::vector<std::uint64_t> fired;
  wheel.advance(start + 5ms, [&](std::uint64_t token) {
    fired.push_back(token);
    disarmed.disarm();
    destroyed.reset();
  });
  EXPECT_THAT(fired, ElementsAre(1, 4));
}

// [house 5] Objects with armed timers may outlive the wheel.
TEST(TimerWheel, DisarmsWhatIsArmedWhenItGoes) {
  Timer timer{1};
  {
    TimerWheel wheel{start};
    wheel.arm(timer, start + 1h);
  }
  EXPECT_FALSE(timer.armed());
}

// [house 5] `never` is armed but does not come due, and does not wake the loop within a year.
TEST(TimerWheel, NeverStaysFarAway) {
  TimerWheel wheel{start};
  Timer timer{1};
  wheel.arm(timer, never);
  EXPECT_TRUE(timer.armed());
  EXPECT_THAT(advance(wheel, start + 24h * 365), IsEmpty());
  EXPECT_TRUE(timer.armed());
}

class WheelAgainstModel : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::size_t timers_count = 60;

  WheelAgainstModel() {
    for (std::size_t i = 0; i < timers_count; ++i) timers_.push_back(std::make_unique<Timer>(i));
  }

  Duration random_distance() {
    static constexpr std::int64_t spans[] = {3, 300, 70'000, 20'000'000, 5'000'000'000};
    return microseconds(random_.below(static_cast<std::uint64_t>(spans[random_.below(5)]) * 1000));
  }

  void arm_one() {
    const std::size_t i = random_.below(timers_count);
    const TimePoint deadline = now_ + random_distance() - (random_.chance(0.1) ? 5ms : 0ms);
    wheel_.arm(*timers_[i], deadline);
    model_[i] = deadline;
  }

  void disarm_one() {
    const std::size_t i = random_.below(timers_count);
    timers_[i]->disarm();
    model_.erase(i);
  }

  [[nodiscard]] std::optional<TimePoint> earliest() const {
    std::optional<TimePoint> found;
    for (const auto& [i, deadline] : model_) found = found ? std::min(*found, deadline) : deadline;
    return found;
  }

  void check_next_deadline() const {
    const auto first = earliest();
    if (!first) {
      EXPECT_EQ(wheel_.next_deadline(), never);
    } else {
      EXPECT_LT(wheel_.next_deadline(), std::max(*first, now_) + 1ms);
    }
  }

  void advance_to(TimePoint to) {
    now_ = to;
    TimePoint last_tick{};
    wheel_.advance(now_, [&](std::uint64_t i) {
      ASSERT_TRUE(model_.contains(i)) << "fired a timer that was not armed";
      EXPECT_FALSE(timers_[i]->armed());
      const TimePoint due = std::chrono::ceil<milliseconds>(model_[i]);
      EXPECT_LE(due, now_) << "fired early";
      if (due > previous_) {
        EXPECT_GE(due, last_tick) << "fired out of order";
        last_tick = due;
      }
      model_.erase(i);
    });
    for (const auto& [i, deadline] : model_) EXPECT_GT(deadline + 1ms, now_) << "timer " << i << " is late";
    previous_ = now_;
  }

  Random random_{GetParam()};
  TimerWheel wheel_{start};
  TimePoint now_ = start, previous_ = start;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::map<std::size_t, TimePoint> model_;
};

// [house 5] The wheel agrees with a sorted list under random arming, disarming, small steps and long jumps.
TEST_P(WheelAgainstModel, AgreesOnEveryStep) {
  for (int step = 0; step < 4'000 && !HasFailure(); ++step) {
    switch (random_.below(6)) {
      case 0: advance_to(now_ + random_distance()); break;
      case 1: advance_to(std::max(now_, std::min(wheel_.next_deadline(), now_ + 1h))); break;
      case 2: disarm_one(); break;
      default: arm_one(); break;
    }
    check_next_deadline();
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, WheelAgainstModel, ::testing::Range<std::uint64_t>(1, 13));

// [house 5] Following next_deadline() reaches a far deadline in a handful of turns: the loop does not spin.
TEST(TimerWheel, FollowingNextDeadlineTakesFewTurns) {
  TimerWheel wheel{start};
  Timer timer{1};
  wheel.arm(timer, start + 3h + 17ms);
  int turns = 0;
  for (TimePoint now = start; timer.armed() && turns < 100; ++turns) {
    const TimePoint next = wheel.next_deadline();
    ASSERT_GT(next, now);
    now = next;
    advance(wheel, now);
  }
  EXPECT_FALSE(timer.armed());
  EXPECT_LE(turns, 5);
}

}  // namespace
}  // namespace bellhop::net
