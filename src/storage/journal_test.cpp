#include "storage/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "base/temporary_folder_for_test.hpp"
#include "storage/journal_format.hpp"

namespace bellhop::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JournalFile : public testing::Test {
 protected:
  JournalFile() {
    settings_.path = folder_.file("test.journal");
    settings_.flush_interval = hours(1);  // only what a test asks for happens
    settings_.sync = false;
  }

  std::unique_ptr<Journal> open(std::vector<std::string>* replayed = nullptr, unsigned lanes = 1) {
    return open_journal(settings_, lanes, log_, metrics_, [&](std::string_view payload) {
      if (replayed != nullptr) replayed->emplace_back(payload);
    });
  }
  std::vector<std::string> records() {
    std::vector<std::string> replayed;
    open(&replayed);
    return replayed;
  }
  void write(const std::vector<std::string>& payloads) {
    const auto journal = open();
    for (const auto& payload : payloads) journal->append(0, payload);
  }
  std::string octets() const {
    std::ifstream in(settings_.path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(const std::string& octets) const { std::ofstream(settings_.path, std::ios::binary) << octets; }
  std::int64_t metric(const std::string& name) const {
    observe::Metrics::Values values;
    metrics_.collect(values);
    return values.gauges.at(name);
  }

  TemporaryFolder folder_;
  Journal::Settings settings_;
  observe::Log log_{observe::null_sink()};
  observe::Metrics metrics_;
};

// [house 1.4] State that must outlive the process is values in a journal, replayed at start.
TEST_F(JournalFile, WhatWasAppendedIsReplayedInOrderAfterAnOrderlyEnd) {
  write({"one", "two"});
  write({"three"});
  EXPECT_THAT(records(), ElementsAre("one", "two", "three"));
}

// [house 1.4] kill -9 loses at most what was not yet written: what flush() has seen is in the file at once.
TEST_F(JournalFile, FlushedRecordsAreInTheFileWhileTheProcessStillRuns) {
  const auto journal = open(nullptr, 3);
  journal->append(0, "first lane");
  journal->append(2, "third lane");
  journal->append(7, "lanes wrap around");
  journal->flush();
  EXPECT_THAT(octets(), HasSubstr("first lane"));
  EXPECT_THAT(octets(), HasSubstr("third lane"));
  EXPECT_THAT(octets(), HasSubstr("lanes wrap around"));
  EXPECT_EQ(journal->octets(), octets().size());
}

// [house 1.4] A torn record at the end costs that record only, wherever it was torn.
TEST_F(JournalFile, TornTailIsCutAtEveryLengthAndTheJournalGoesOn) {
  write({"first", "second"});
  const std::string whole = octets();
  for (std::size_t torn = 1; torn < frame_overhead + 6; ++torn) {
    replace(whole.substr(0, whole.size() - torn));
    EXPECT_THAT(records(), ElementsAre("first")) << torn;
    write({"third"});
    EXPECT_THAT(records(), ElementsAre("first", "third")) << torn;
  }
}

// [house 1.4] A flipped bit anywhere in the records costs one record, never those behind it.
TEST_F(JournalFile, FlippedBitCostsOneRecord) {
  const std::vector<std::string> all{"first record", "second record", "third record"};
  write(all);
  const std::string whole = octets();
  for (std::size_t at = JournalHeader::size; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    replace(damaged);
    auto left = records();
    ASSERT_EQ(left.size(), 2u) << at;
    for (const auto& record : left) EXPECT_THAT(all, testing::Contains(record)) << at;
  }
}

// [house 1.4] Octets a peer had stored can not pass for a record when damage in front of them is skipped.
TEST_F(JournalFile, FrameInsideAPayloadIsNotTakenForARecordAfterDamage) {
  std::string forged;
  append_frame(forged, "forged", 0);
  write({"padding " + forged, "last"});
  std::string damaged = octets();
  damaged[JournalHeader::size + frame_overhead] ^= 1;
  replace(damaged);
  EXPECT_THAT(records(), ElementsAre("last"));
}

// [house 1.4] Damage in front of good records leads to a compaction, so it is not met at every start.
TEST_F(JournalFile, DamageInTheMiddleIsGoneAfterTheNextCompaction) {
  write({"first", "second"});
  std::string damaged = octets();
  damaged[JournalHeader::size + frame_overhead] ^= 1;
  replace(damaged);
  {
    const auto journal = open();
    journal->set_dump([](Journal::Writer& out) { out.record("state"); });
    journal->flush();
  }
  EXPECT_THAT(records(), ElementsAre("state"));
}

// [house 6] A file that is not ours is refused and left alone.
TEST_F(JournalFile, ForeignFilesAndVersionsAreRefusedAndUntouched) {
  replace("[server]\ndata_dir = \"var\"\n# a file somebody put here\n");
  const std::string before = octets();
  EXPECT_THROW(open(), std::runtime_error);
  EXPECT_EQ(octets(), before);

  replace(encode(JournalHeader{.version = 2}));
  EXPECT_THROW(open(), std::runtime_error);
}

// [house 6] Two servers on one data directory would destroy each other's state.
TEST_F(JournalFile, SecondOpenerIsRefused) {
  const auto journal = open();
  EXPECT_THROW(open(), std::runtime_error);
  journal->compact();
  journal->set_dump([](Journal::Writer&) {});
  journal->flush();
  EXPECT_THROW(open(), std::runtime_error);  // the compacted file is locked as well
}

/// A little owner: the newest value per key, changed and appended under one lock as the journal asks for.
class Owner {
 public:
  explicit Owner(std::unique_ptr<Journal> journal) : journal_(std::move(journal)) {
    journal_->set_dump([this](Journal::Writer& out) {
      const std::lock_guard lock(mutex_);
      for (const auto& [key, value] : values_) out.record(key + "=" + value);
    });
  }
  void set(unsigned lane, const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    values_[key] = value;
    journal_->append(lane, key + "=" + value);
  }
  Journal& journal() { return *journal_; }
  const std::map<std::string, std::string>& values() const { return values_; }
  static std::map<std::string, std::string> read(const std::vector<std::string>& records) {
    std::map<std::string, std::string> values;
    for (const auto& record : records) values[record.substr(0, record.find('='))] = record.substr(record.find('=') + 1);
    return values;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> values_;
  std::unique_ptr<Journal> journal_;  // goes first: it may dump once more
};

// [house 1.4] Compaction keeps the present state only, and appends of any time around it survive.
TEST_F(JournalFile, CompactionUnderConcurrentAppendsLosesNothing) {
  settings_.flush_interval = microseconds(200);
  std::map<std::string, std::string> expected;
  {
    Owner owner(open(nullptr, 4));
    std::vector<std::thread> threads;
    for (unsigned lane = 0; lane < 4; ++lane)
      threads.emplace_back([&owner, lane] {
        for (int i = 0; i < 4000; ++i) {
          owner.set(lane, fmt::format("{}-{}", lane, i % 50), std::to_string(i));
          if (i % 500 == 0) owner.journal().compact();
        }
      });
    for (auto& thread : threads) thread.join();
    owner.journal().flush();
    EXPECT_GT(metric("journal.compactions"), 0);
    owner.set(0, "last", "after the flush");
    expected = owner.values();
  }
  EXPECT_EQ(Owner::read(records()), expected);
}

// [house 1.4] A file grown to more than twice what is needed is compacted without being asked.
TEST_F(JournalFile, FileThatOutgrowsItsStateShrinksByItself) {
  Owner owner(open());
  for (int i = 0; i < 6; ++i) {
    owner.set(0, "key", std::string(900'000, 'x'));
    owner.journal().flush();
  }
  EXPECT_LT(owner.journal().octets(), 4'000'000u);
  EXPECT_EQ(octets().size(), owner.journal().octets());
}

// [house 1.4] Buffers are bounded: what does not fit is dropped and counted, and a compaction brings it back.
TEST_F(JournalFile, OverflowIsCountedAndTheNextCompactionMakesItGood) {
  settings_.buffer_limit = 1000;
  {
    std::latch dumping{1}, filled{1};
    std::map<std::string, std::string> state;
    std::mutex mutex;
    bool first = true;
    const auto journal = open();
    journal->set_dump([&](Journal::Writer& out) {
      if (std::exchange(first, false)) {  // the side thread is held here, as by a disk that stands still
        dumping.count_down();
        filled.wait();
        return;
      }
      const std::lock_guard lock(mutex);
      for (const auto& [key, value] : state) out.record(key + "=" + value);
    });
    journal->compact();
    dumping.wait();
    for (int i = 0; i < 100; ++i) {
      const std::lock_guard lock(mutex);
      state["key" + std::to_string(i)] = std::string(50, 'v');
      journal->append(0, "key" + std::to_string(i) + "=" + std::string(50, 'v'));
    }
    EXPECT_GT(metric("journal.dropped"), 80);
    filled.count_down();
    journal->flush();
    journal->flush();
  }
  EXPECT_EQ(Owner::read(records()).size(), 100u);
}

// [house 1.4] A disk that refuses writes costs nothing that is still in memory once it works again.
TEST_F(JournalFile, DiskErrorIsCountedAndMadeGoodByCompaction) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  {
    Owner owner(open());
    owner.set(0, "early", "1");
    owner.journal().flush();
    rlimit full = before;
    full.rlim_cur = 600;  // the file can not grow beyond: a part of the batch is written, then EFBIG
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int i = 0; i < 50; ++i) owner.set(0, "key" + std::to_string(i), std::string(40, 'v'));
    owner.journal().flush();
    EXPECT_GT(metric("journal.errors"), 0);
    EXPECT_EQ(metric("journal.dropped"), 50);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    owner.set(0, "late", "2");
  }
  std::signal(SIGXFSZ, old_handler);
  const auto values = Owner::read(records());
  EXPECT_EQ(values.size(), 52u);
  EXPECT_EQ(values.at("late"), "2");
}

// [house 1.4] A start after a crash in the middle of a compaction finds the old file whole.
TEST_F(JournalFile, LeftoverOfAnUnfinishedCompactionIsIgnored) {
  write({"state"});
  std::ofstream(settings_.path + ".new") << "half a file";
  EXPECT_THAT(records(), ElementsAre("state"));
  EXPECT_FALSE(std::filesystem::exists(settings_.path + ".new"));
}

// [house 1.4] Records beyond the size limit and empty ones are refused, not written in a form nobody can read.
TEST_F(JournalFile, RecordsOfImpossibleSizeAreDroppedAndCounted) {
  {
    const auto journal = open();
    journal->append(0, "");
    journal->append(0, std::string(Journal::max_payload + 1, 'x'));
    journal->append(0, std::string(Journal::max_payload, 'y'));
    EXPECT_EQ(metric("journal.dropped"), 2);
  }
  EXPECT_THAT(records(), ElementsAre(std::string(Journal::max_payload, 'y')));
}

}  // namespace
}  // namespace bellhop::storage
