#include "net/inbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

namespace bellhop::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// [CGP-28] What is posted is taken in its order, and whoever posts into an empty queue is told to wake the shard
TEST(Inbox, GivesWhatWasPosted) {
  Inbox<int> inbox(10);
  bool was_empty = false;
  EXPECT_TRUE(inbox.post(1, &was_empty));
  EXPECT_TRUE(was_empty);
  EXPECT_TRUE(inbox.post(2, &was_empty));
  EXPECT_FALSE(was_empty);
  std::vector<int> out{99};
  inbox.take(out);
  EXPECT_THAT(out, ElementsAre(1, 2));
  inbox.take(out);
  EXPECT_THAT(out, IsEmpty());
  EXPECT_TRUE(inbox.post(3, &was_empty));
  EXPECT_TRUE(was_empty);
}

// [CGP-29, CGP-36] Beyond the limit values are dropped and counted; what waits stays, and when it was taken there is
// room again
TEST(Inbox, DropsWhatDoesNotFit) {
  Inbox<int> inbox(3);
  bool was_empty = false;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(inbox.post(int(i), &was_empty), i < 3);
  EXPECT_EQ(inbox.dropped(), 997u);
  std::vector<int> out;
  inbox.take(out);
  EXPECT_THAT(out, ElementsAre(0, 1, 2));
  EXPECT_TRUE(inbox.post(4, &was_empty));
  inbox.set_limit(1);
  EXPECT_FALSE(inbox.post(5, &was_empty));
  EXPECT_TRUE(inbox.post(6, &was_empty, /*must_arrive=*/true));
  inbox.take(out);
  EXPECT_THAT(out, ElementsAre(4, 6));
}

// [house 1] Posted by several threads while it is emptied: nothing is lost and nothing comes twice
TEST(Inbox, TakesFromManyThreads) {
  constexpr int threads = 4, each = 2000;
  Inbox<int> inbox(threads * each);
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t)
    posters.emplace_back([&inbox, t] {
      bool was_empty = false;
      for (int i = 0; i < each; ++i) EXPECT_TRUE(inbox.post(t * each + i, &was_empty));
    });
  std::vector<int> all, some;
  while (all.size() < threads * each) {
    inbox.take(some);
    all.insert(all.end(), some.begin(), some.end());
  }
  for (std::thread& poster : posters) poster.join();
  std::sort(all.begin(), all.end());
  std::vector<int> expected(threads * each);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace bellhop::net
