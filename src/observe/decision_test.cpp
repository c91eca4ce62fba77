#include "observe/decision.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace bellhop::observe {
namespace {

struct Noted {
  Step step;
  std::string verdict, detail;
  friend bool operator==(const Noted&, const Noted&) = default;
};

std::vector<Noted> all(const DecisionRecord& record) {
  std::vector<Noted> out;
  record.for_each([&](Step step, std::string_view verdict, std::string_view detail) {
    out.push_back({step, std::string(verdict), std::string(detail)});
  });
  return out;
}

// [house 1.5] Each step of the pipeline notes what it decided and why.
TEST(DecisionRecord, KeepsVerdictsInTheirOrder) {
  DecisionRecord record;
  record.note(Step::guard, "passed");
  record.note(Step::authentication, "accepted", "alice@example.test");
  record.note(Step::location, "found", "2 bindings");

  EXPECT_EQ(all(record), (std::vector<Noted>{{Step::guard, "passed", ""},
                                             {Step::authentication, "accepted", "alice@example.test"},
                                             {Step::location, "found", "2 bindings"}}));
  EXPECT_EQ(record.text(), "guard passed; authentication accepted alice@example.test; location found 2 bindings");
  EXPECT_FALSE(record.truncated());
  EXPECT_EQ(record.steps(), 3u);
}

// [house 1.5] The record is a value of a few bytes: copied, it goes into the journal or to another thread.
TEST(DecisionRecord, CopyIsIndependentAndSmall) {
  DecisionRecord first;
  first.note(Step::routing, "local");
  DecisionRecord second = first;
  second.note(Step::answer, "404");
  EXPECT_EQ(first.text(), "routing local");
  EXPECT_EQ(second.text(), "routing local; answer 404");
  static_assert(sizeof(DecisionRecord) <= 256);
}

// [house 1.5] What does not fit is cut and says so.
TEST(DecisionRecord, CutsALongDetailAndMarksIt) {
  DecisionRecord record;
  record.note(Step::target, "chosen", std::string(1000, 'x'));
  ASSERT_EQ(record.steps(), 1u);
  EXPECT_TRUE(record.truncated());
  EXPECT_TRUE(record.text().ends_with("xxx ..."));
  EXPECT_LT(record.text().size(), 300u);
}

// [house 1.5] A record that is full keeps what it has, however often it is told more.
TEST(DecisionRecord, FullRecordStaysReadable) {
  DecisionRecord record;
  for (int i = 0; i < 10000; ++i) record.note(Step::branch, "486", "busy");
  EXPECT_TRUE(record.truncated());
  EXPECT_GT(record.steps(), 20u);
  const auto kept = all(record);
  EXPECT_EQ(kept.size(), record.steps());
  EXPECT_EQ(kept.front(), (Noted{Step::branch, "486", "busy"}));
}

// [house 1.5] A verdict is never cut in half: it is there or the record is marked.
TEST(DecisionRecord, VerdictThatDoesNotFitIsLeftOut) {
  DecisionRecord record;
  record.note(Step::answer, std::string(300, 'v'));
  EXPECT_EQ(record.steps(), 0u);
  EXPECT_TRUE(record.truncated());
  EXPECT_EQ(record.text(), " ...");
}

// [house 1.5] Every step has a name for the log.
TEST(DecisionRecord, EveryStepHasAName) {
  for (int step = 0; step <= static_cast<int>(Step::answer); ++step) {
    EXPECT_FALSE(name_of(static_cast<Step>(step)).empty()) << step;
  }
}

}  // namespace
}  // namespace bellhop::observe
