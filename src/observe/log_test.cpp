#include "observe/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bellhop::observe {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

constexpr TimePoint stamp{1795185389s + 123456us};

/// What the side thread handed over; may hold the side thread back until it is released.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;
  int batches = 0;
  bool blocked = false;
  bool inside = false;

  void release() {
    const std::lock_guard lock(mutex);
    blocked = false;
    changed.notify_all();
  }
  void wait_until_inside() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside; });
  }
};

class SharedSink : public Log::Sink {
 public:
  explicit SharedSink(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  void line(std::string_view text) override {
    std::unique_lock lock(shared_->mutex);
    shared_->inside = true;
    shared_->changed.notify_all();
    shared_->changed.wait(lock, [&] { return !shared_->blocked; });
    shared_->lines.emplace_back(text);
  }
  void end_of_batch() override {
    const std::lock_guard lock(shared_->mutex);
    ++shared_->batches;
  }

 private:
  std::shared_ptr<Shared> shared_;
};

class LogTest : public testing::Test {
 protected:
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::unique_ptr<Log> make(std::size_t lines = 100) {
    return std::make_unique<Log>(std::make_unique<SharedSink>(shared), lines, [] { return stamp; });
  }
};

// [CGP-22] A line names time, level and tag.
TEST_F(LogTest, LineCarriesTimeLevelAndTag) {
  auto log = make();
  log->set_level(Level::all_info);
  log->write(Tag::sip_server, Level::major, "text");
  log->write(Tag::sip_data, Level::failure, "broken");
  log->write(Tag::sip_client, Level::all_info, "detail");
  ASSERT_TRUE(log->flush());
  EXPECT_THAT(shared->lines,
              ElementsAre("2026-11-20T14:36:29.123456Z 02 SIPS text", "2026-11-20T14:36:29.123456Z 01 SIPDATA broken",
                          "2026-11-20T14:36:29.123456Z 05 SIPC detail"));
}

// [CGP-21] Without a clock of the test's the line carries the wall clock in the same form.
TEST_F(LogTest, WallClockStampHasTheSameForm) {
  Log log(std::make_unique<SharedSink>(shared));
  log.write(Tag::net, Level::failure, "x");
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(shared->lines[0], MatchesRegex("20[0-9][0-9]-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z 01 NET x"));
}

// [CGP-21] Each level includes those before it, and can be switched at run time.
TEST_F(LogTest, LevelsIncludeTheGraverOnes) {
  auto log = make();
  EXPECT_EQ(log->level(Tag::sip), Level::problems);
  EXPECT_TRUE(log->enabled(Tag::sip, Level::failure));
  EXPECT_TRUE(log->enabled(Tag::sip, Level::problems));
  EXPECT_FALSE(log->enabled(Tag::sip, Level::low_level));
  log->set_level(Level::all_info);
  EXPECT_TRUE(log->enabled(Tag::sip, Level::all_info));
}

// [CGP-33] Raise only the SIPS level: only SIPS records grow.
TEST_F(LogTest, TagsHaveLevelsOfTheirOwn) {
  auto log = make();
  log->set_level(Tag::sip_server, Level::low_level);
  for (const Tag tag : {Tag::sip, Tag::sip_server, Tag::sip_client}) (*log)(tag, Level::low_level, "branch {}", 7);
  ASSERT_TRUE(log->flush());
  ASSERT_THAT(shared->lines, SizeIs(1));
  EXPECT_THAT(shared->lines[0], EndsWith("04 SIPS branch 7"));
}

// [CGP-22] Levels and tags are read by the names they are shown with.
TEST_F(LogTest, NamesAreReadBack) {
  for (const auto* name : {"failure", "major", "problems", "low-level", "all-info"}) {
    ASSERT_TRUE(level_from(name)) << name;
    EXPECT_EQ(name_of(*level_from(name)), name);
  }
  EXPECT_EQ(level_from("Low-Level"), Level::low_level);
  EXPECT_EQ(level_from("loud"), std::nullopt);
  for (std::size_t i = 0; i < static_cast<std::size_t>(Tag::count_); ++i) {
    EXPECT_EQ(tag_from(name_of(static_cast<Tag>(i))), static_cast<Tag>(i));
  }
  EXPECT_EQ(tag_from("SIPDATA"), Tag::sip_data);
  EXPECT_EQ(tag_from("sips"), Tag::sip_server);
  EXPECT_EQ(tag_from("SIPX"), std::nullopt);
}

// [CGP-21] Packet contents are indented under their line.
TEST_F(LogTest, FurtherLinesAreIndented) {
  auto log = make();
  log->write(Tag::sip_data, Level::failure, "received\nINVITE sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\n\r\nv=0\r\n");
  ASSERT_TRUE(log->flush());
  EXPECT_THAT(shared->lines[0],
              EndsWith("SIPDATA received\n    INVITE sip:a@b SIP/2.0\n    To: <sip:a@b>\n    \n    v=0"));
}

// [threats 31] What came from the network is quoted: it cannot forge a line or steer a terminal.
TEST_F(LogTest, ControlCharactersAreEscaped) {
  auto log = make();
  log->write(Tag::sip, Level::failure, std::string("a\x1b[2Jb\rc\0d\x7f\te{}%n", 17));
  log->write(Tag::sip, Level::failure, "x\n2026-11-20T14:36:29.123456Z 01 SIP forged");
  ASSERT_TRUE(log->flush());
  EXPECT_THAT(shared->lines[0], EndsWith("SIP a\\x1b[2Jb\\x0dc\\x00d\\x7f\te{}%n"));
  EXPECT_THAT(shared->lines[1], HasSubstr("\n    2026-11-20T14:36:29.123456Z 01 SIP forged"));
}

// [CGP-21] Logging never blocks a shard: lines beyond the queue are dropped, counted and announced where they miss.
TEST_F(LogTest, FullQueueDropsCountsAndSaysSo) {
  auto log = make(3);
  shared->blocked = true;
  log->write(Tag::sip, Level::failure, "held by the sink");
  shared->wait_until_inside();
  for (int i = 0; i < 10; ++i) log->write(Tag::sip, Level::failure, "line " + std::to_string(i));
  EXPECT_EQ(log->dropped(), 7u);
  shared->release();
  ASSERT_TRUE(log->flush());
  log->write(Tag::sip, Level::failure, "after");
  ASSERT_TRUE(log->flush());
  EXPECT_THAT(shared->lines, ElementsAre(EndsWith("held by the sink"), EndsWith("line 0"), EndsWith("line 1"),
                                         EndsWith("line 2"), HasSubstr("03 SERVER 7 lines"), EndsWith("after")));
}

// [CGP-21] The queue is bounded in octets too: packets cannot fill the memory behind a slow sink.
TEST_F(LogTest, QueueIsBoundedInOctets) {
  auto log = make(4);
  shared->blocked = true;
  log->write(Tag::sip, Level::failure, "held by the sink");
  shared->wait_until_inside();
  log->write(Tag::sip_data, Level::failure, std::string(4000, 'x'));
  log->write(Tag::sip_data, Level::failure, std::string(4000, 'y'));
  EXPECT_EQ(log->dropped(), 1u);
  shared->release();
  ASSERT_TRUE(log->flush());
  log->write(Tag::sip_data, Level::failure, std::string(60000, 'z'));
  ASSERT_TRUE(log->flush());
  EXPECT_THAT(shared->lines.back(), EndsWith("zzz"));
}

// [CGP-21] flush() gives up when the sink does not.
TEST_F(LogTest, FlushHasPatienceAndNoMore) {
  auto log = make();
  shared->blocked = true;
  log->write(Tag::sip, Level::failure, "held");
  EXPECT_FALSE(log->flush(1ms));
  shared->release();
  EXPECT_TRUE(log->flush());
}

// [CGP-21] What was queued is written out before the log goes.
TEST_F(LogTest, DestructorWritesOutTheQueue) {
  auto log = make();
  for (int i = 0; i < 50; ++i) log->write(Tag::sip, Level::failure, "line");
  log.reset();
  EXPECT_THAT(shared->lines, SizeIs(50));
}

// [CGP-21] Many threads write whole lines, each in its order.
TEST_F(LogTest, ThreadsKeepTheirOrder) {
  auto log = make(10000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) (*log)(Tag::sip, Level::failure, "{} {}", t, i);
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(log->flush());
  ASSERT_THAT(shared->lines, SizeIs(2000));
  std::vector<int> next(4, 0);
  for (const auto& line : shared->lines) {
    int t = -1, i = -1;
    ASSERT_EQ(std::sscanf(line.c_str() + line.find(" SIP ") + 5, "%d %d", &t, &i), 2);
    EXPECT_EQ(i, next[static_cast<std::size_t>(t)]++);
  }
}

class PipeTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(ends), 0); }
  void TearDown() override {
    close(ends[0]);
    close(ends[1]);
  }
  std::string read_some() {
    char buffer[65536];
    const ssize_t size = read(ends[0], buffer, sizeof buffer);
    return {buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
  }
  int ends[2] = {-1, -1};
};

// [CGP-21] Lines reach the descriptor whole, with their ends.
TEST_F(PipeTest, DescriptorReceivesWholeLines) {
  Log log(descriptor_sink(ends[1]), 100, [] { return stamp; });
  log.write(Tag::sip, Level::failure, "one");
  log.write(Tag::sip, Level::failure, "two");
  ASSERT_TRUE(log.flush());
  EXPECT_EQ(read_some(), "2026-11-20T14:36:29.123456Z 01 SIP one\n2026-11-20T14:36:29.123456Z 01 SIP two\n");
}

// [CGP-21] A reader that goes away neither ends the server nor stops the log.
TEST_F(PipeTest, ClosedReaderIsSurvived) {
  close(ends[0]);
  Log log(descriptor_sink(ends[1]), 100, [] { return stamp; });
  log.write(Tag::sip, Level::failure, "into the void");
  EXPECT_TRUE(log.flush());
  log.write(Tag::sip, Level::failure, "again");
  EXPECT_TRUE(log.flush());
  EXPECT_EQ(log.dropped(), 0u);
}

// [house 1.1] A log nobody reads holds back the side thread alone: writers go on and the excess is dropped.
TEST_F(PipeTest, FullPipeHoldsBackTheSideThreadAlone) {
  for (const int flags : {0, O_NONBLOCK}) {
    ASSERT_EQ(fcntl(ends[1], F_SETFL, flags), 0);
    Log log(descriptor_sink(ends[1]), 200, [] { return stamp; });
    for (int i = 0; i < 2000 || log.dropped() == 0; ++i) log.write(Tag::sip, Level::failure, std::string(1000, 'x'));
    EXPECT_FALSE(log.flush(1ms));
    ASSERT_EQ(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (!log.flush(1ms)) read_some();
    while (!read_some().empty()) continue;
  }
}

// [CGP-21] A log to nowhere is a log.
TEST(NullSink, AcceptsEverything) {
  Log log(null_sink());
  log.write(Tag::server, Level::failure, "gone");
  EXPECT_TRUE(log.flush());
}

}  // namespace
}  // namespace bellhop::observe
