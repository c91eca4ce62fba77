#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/temporary_folder_for_test.hpp"
#include "location/replay.hpp"
#include "location/table.hpp"

namespace bellhop::location {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr TimePoint start{seconds(1'700'000'000)};

BindingView view(std::uint64_t id, std::uint32_t version, std::string_view contact) {
  BindingView v;
  v.id = id;
  v.version = version;
  v.cseq = version;
  v.contact = contact;
  v.call_id = "call";
  v.expires = start + 60s;
  return v;
}
std::string put(const BindingView& v, std::string_view aor = "bob@example.test") {
  std::string record;
  append_put(record, aor, v);
  return record;
}
std::string touch(std::uint64_t id, std::uint32_t version, Duration lifetime) {
  return std::string(TouchRecord(id, version, version, start + lifetime, start).octets());
}
std::string removal(std::uint64_t id) {
  std::string record;
  append_remove(record, id);
  return record;
}
std::map<std::string, Duration> replayed(const std::vector<std::string>& records, TimePoint now = start) {
  Replay replay(1);
  for (const auto& record : records) replay.record(record);
  std::map<std::string, Duration> bindings;
  replay.finish(now,
                [&](std::string_view, const BindingView& b) { bindings[std::string(b.contact)] = b.expires - start; });
  return bindings;
}

// [house 1.4] Records of several lanes may change places; any order ends in the newest state.
TEST(Replay, EveryOrderOfRecordsEndsInTheNewestState) {
  std::vector<std::string> records{put(view(1, 1, "sip:old")),  touch(1, 2, 70s),
                                   put(view(1, 3, "sip:new")),  touch(1, 4, 90s),
                                   put(view(2, 1, "sip:gone")), removal(2)};
  std::ranges::sort(records);
  do {
    ASSERT_THAT(replayed(records), ElementsAre(Pair("sip:new", 90s)));
  } while (std::ranges::next_permutation(records).found);
}

// [house 1.4] A touch older than the put it meets changes nothing.
TEST(Replay, TouchBeforeTheLastPutIsOverruled) {
  EXPECT_THAT(replayed({put(view(1, 3, "sip:a")), touch(1, 2, 5000s)}), ElementsAre(Pair("sip:a", 60s)));
  EXPECT_THAT(replayed({touch(1, 2, 5000s)}), IsEmpty());
}

// [RFC3261 10.3] What has expired while the server was down is left out.
TEST(Replay, ExpiredBindingsAreLeftOut) {
  EXPECT_THAT(replayed({put(view(1, 1, "sip:a")), put(view(2, 1, "sip:b")), touch(2, 2, 120s)}, start + 60s),
              ElementsAre(Pair("sip:b", 120s)));
}

// [house 1.4] Records cut anywhere are counted and otherwise harmless.
TEST(Replay, RecordsCutAnywhereAreCountedAndSkipped) {
  const std::string record = put(view(1, 1, "sip:a"));
  for (std::size_t size = 1; size < record.size(); ++size) {
    Replay replay(1);
    replay.record(std::string_view(record).substr(0, size));
    EXPECT_EQ(replay.malformed(), 1u) << size;
    replay.finish(start, [](std::string_view, const BindingView&) { FAIL(); });
  }
}

class Restart : public testing::Test {
 protected:
  Restart() {
    settings_.path = folder_.file("location.journal");
    settings_.flush_interval = hours(1);
    settings_.sync = false;
    boot(start);
  }
  void boot(TimePoint now) {
    table_.reset();
    table_ = std::make_unique<Table>(metrics_, ++seed_);
    table_->open_journal(settings_, 2, log_, metrics_, now);
  }
  void put(const char* aor, const char* contact, std::uint32_t cseq, Duration lifetime, TimePoint now = start,
           unsigned lane = 0) {
    Change change;
    change.binding.contact = contact;
    change.binding.call_id = "call";
    change.binding.cseq = cseq;
    change.binding.expires = now + lifetime;
    change.binding.updated = now;
    change.binding.user_agent = "Phone 1.0";
    change.binding.flow = flow_;
    Listing result;
    ASSERT_TRUE(table_->update(aor, {&change, 1}, {}, lane, now, result));
  }
  std::vector<Binding> found(const char* aor, TimePoint now = start) const {
    std::vector<Binding> bindings;
    table_->find(aor, now, bindings);
    return bindings;
  }

  TemporaryFolder folder_;
  storage::Journal::Settings settings_;
  observe::Log log_{observe::null_sink()};
  observe::Metrics metrics_;
  std::uint64_t seed_ = 1;
  net::Flow flow_;
  std::unique_ptr<Table> table_;
};

// [USR-01] After a restart every binding is there, with its last refresh.
TEST_F(Restart, BindingsRefreshesAndRemovalsSurvive) {
  put("bob@x.test", "sip:bob@192.0.2.1", 1, 100s);
  put("bob@x.test", "sip:bob@192.0.2.2", 1, 100s);
  put("carol@x.test", "sip:carol@192.0.2.3", 1, 100s);
  put("dave@x.test", "sip:dave@192.0.2.4", 1, 100s);
  put("bob@x.test", "sip:bob@192.0.2.1", 2, 3600s, start, 1);
  ASSERT_TRUE(table_->remove_all("carol@x.test", "call", 2, 1, start));
  ASSERT_TRUE(table_->remove_aor("dave@x.test", start));
  const auto before = found("bob@x.test");

  boot(start + 10s);
  const auto after = found("bob@x.test");
  ASSERT_EQ(after.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(after[i].id, before[i].id);
    EXPECT_EQ(after[i].contact, before[i].contact);
    EXPECT_EQ(after[i].cseq, before[i].cseq);
    EXPECT_EQ(after[i].expires, before[i].expires);
    EXPECT_EQ(after[i].user_agent, "Phone 1.0");
  }
  EXPECT_THAT(found("carol@x.test"), IsEmpty());
  EXPECT_THAT(found("dave@x.test"), IsEmpty());
  EXPECT_EQ(table_->bindings(), 2u);

  boot(start + 100s);
  EXPECT_EQ(found("bob@x.test", start + 100s).size(), 1u);
}

// [USR-07] The same holds across a compaction and what came after it.
TEST_F(Restart, StateSurvivesCompactionAndLaterChanges) {
  for (int i = 0; i < 100; ++i) put(("user" + std::to_string(i) + "@x.test").c_str(), "sip:u@192.0.2.1", 1, 100s);
  for (std::uint32_t cseq = 2; cseq < 1100; ++cseq)
    for (int i = 0; i < 100; ++i)
      put(("user" + std::to_string(i) + "@x.test").c_str(), "sip:u@192.0.2.1", cseq, 3600s, start, i % 2);
  table_->flush_journal();  // 109,800 records of 41 octets are due for compaction
  EXPECT_LT(std::filesystem::file_size(settings_.path), 100'000u);
  ASSERT_TRUE(table_->remove_aor("user7@x.test", start));
  put("user8@x.test", "sip:u@192.0.2.1", 1100, 1800s);
  boot(start);
  EXPECT_EQ(table_->bindings(), 99u);
  EXPECT_EQ(found("user8@x.test").at(0).expires, start + 1800s);
  EXPECT_EQ(found("user9@x.test").at(0).cseq, 1099u);
}

// [RFC5626 4.2] A connection of a process that is gone is not taken for a live one; the addresses are kept.
TEST_F(Restart, StreamIsForgottenAndItsAddressesAreKept) {
  flow_.transport = net::Transport::tcp;
  flow_.shard = 1;
  flow_.stream = {7, 9};
  flow_.local = *Endpoint::parse("192.0.2.1:5060");
  flow_.remote = *Endpoint::parse("192.0.2.99:40000");
  put("bob@x.test", "sip:bob@192.0.2.1;transport=tcp", 1, 100s);
  ASSERT_TRUE(found("bob@x.test").at(0).flow.stream.valid());
  boot(start);
  const net::Flow flow = found("bob@x.test").at(0).flow;
  EXPECT_FALSE(flow.stream.valid());
  EXPECT_EQ(flow.transport, net::Transport::tcp);
  EXPECT_EQ(flow.remote, flow_.remote);
  EXPECT_EQ(flow.local, flow_.local);
}

// [USR-02] Ids are never given out twice, not even when the clock was set back over a restart.
TEST_F(Restart, IdsStayUniqueWhenTheClockIsSetBack) {
  put("bob@x.test", "sip:bob@192.0.2.1", 1, 10000s);
  const auto first = found("bob@x.test").at(0).id;
  ASSERT_TRUE(table_->remove_aor("bob@x.test", start));
  boot(start - 1000s);
  put("bob@x.test", "sip:bob@192.0.2.1", 1, 10000s, start - 1000s);
  EXPECT_GT(found("bob@x.test", start - 1000s).at(0).id, first);
}

// [RFC3261 10.3] The order rule holds across a restart.
TEST_F(Restart, OldRequestIsStillOutOfOrderAfterwards) {
  put("bob@x.test", "sip:bob@192.0.2.1", 1, 100s);
  put("bob@x.test", "sip:bob@192.0.2.1", 9, 100s);
  boot(start);
  Change late;
  late.binding.contact = "sip:bob@192.0.2.1";
  late.binding.call_id = "call";
  late.binding.cseq = 8;
  late.binding.expires = start + 100s;
  Listing result;
  EXPECT_FALSE(table_->update("bob@x.test", {&late, 1}, {}, 0, start, result));
}

}  // namespace
}  // namespace bellhop::location
