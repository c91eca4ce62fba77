#include "base/slot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.hpp"

namespace bellhop {
namespace {

// [house 3] A continuation stores a key, never a pointer: the key finds the object while it lives.
TEST(SlotMap, FindsWhatWasPutIn) {
  SlotMap<std::string> map;
  const SlotId a = map.emplace("alice");
  const SlotId b = map.emplace(3u, 'b');
  ASSERT_NE(map.find(a), nullptr);
  EXPECT_EQ(*map.find(a), "alice");
  EXPECT_EQ(*map.find(b), "bbb");
  EXPECT_EQ(map.size(), 2u);
}

// [house 3] A stale id finds nothing, also when its cell is used again.
TEST(SlotMap, StaleIdFindsNothing) {
  SlotMap<int> map;
  const SlotId first = map.emplace(1);
  EXPECT_TRUE(map.erase(first));
  EXPECT_EQ(map.find(first), nullptr);
  const SlotId second = map.emplace(2);
  EXPECT_EQ(second.index, first.index);
  EXPECT_EQ(map.find(first), nullptr);
  EXPECT_FALSE(map.erase(first));
  EXPECT_EQ(*map.find(second), 2);
}

// [house 3] Ids read from outside bytes find nothing unless they are live.
TEST(SlotMap, ForgedIdsFindNothing) {
  SlotMap<int> map;
  const SlotId live = map.emplace(1);
  EXPECT_FALSE(SlotId{}.valid());
  EXPECT_EQ(map.find(SlotId{}), nullptr);
  EXPECT_EQ(map.find({live.index, live.generation + 1}), nullptr);
  EXPECT_EQ(map.find({live.index, 0}), nullptr);
  EXPECT_EQ(map.find({live.index + 1, live.generation}), nullptr);
  EXPECT_EQ(map.find({0xfffffffe, live.generation}), nullptr);
}

// [house 3] An id travels as one number.
TEST(SlotId, PacksIntoOneNumberAndBack) {
  const SlotId id{0x12345678, 0x9abcdef0};
  EXPECT_EQ(id.packed(), 0x9abcdef012345678ULL);
  EXPECT_EQ(SlotId::unpack(id.packed()), id);
}

// [house 3] Objects do not move while others come and go.
TEST(SlotMap, AddressesAreStable) {
  SlotMap<int, 4> map;
  const SlotId first = map.emplace(7);
  const int* const address = map.find(first);
  std::vector<SlotId> others;
  for (int i = 0; i < 1000; ++i) others.push_back(map.emplace(i));
  for (const SlotId id : others) map.erase(id);
  EXPECT_EQ(map.find(first), address);
  EXPECT_EQ(*address, 7);
}

// [threats 68] Memory goes back after a storm: all but one empty chunk is given back.
TEST(SlotMap, StormLeavesNoHighWaterMark) {
  SlotMap<int, 4> map;
  std::vector<SlotId> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(map.emplace(i));
  EXPECT_EQ(map.capacity(), 1000u);
  for (const SlotId id : ids) EXPECT_TRUE(map.erase(id));
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.capacity(), 4u);
}

// [threats 68] One object that comes and goes costs no allocation, whatever was given back before.
TEST(SlotMap, NoChunkIsAllocatedWhileAnotherHasRoom) {
  SlotMap<int, 4> map;
  std::vector<SlotId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(map.emplace(i));
  for (int i = 1; i < 40; ++i) map.erase(ids[static_cast<std::size_t>(i)]);
  const std::size_t quiet = map.capacity();
  for (int i = 0; i < 100; ++i) {
    const SlotId id = map.emplace(i);
    EXPECT_EQ(map.capacity(), quiet);
    map.erase(id);
    EXPECT_EQ(map.capacity(), quiet);
  }
}

// [house 3] Ids from before a chunk was given back stay dead when it returns.
TEST(SlotMap, IdsDoNotReturnWithAReturningChunk) {
  SlotMap<int, 4> map;
  std::set<std::uint64_t> seen;
  for (int round = 0; round < 20; ++round) {
    std::vector<SlotId> ids;
    for (int i = 0; i < 32; ++i) {
      ids.push_back(map.emplace(i));
      EXPECT_TRUE(seen.insert(ids.back().packed()).second) << "an id was given out twice";
    }
    for (const SlotId id : ids) map.erase(id);
    for (const auto packed : seen) ASSERT_EQ(map.find(SlotId::unpack(packed)), nullptr);
  }
}

// [house 3] A cell whose generations are used up is retired, so no id is ever given out twice.
TEST(SlotMap, GenerationsNeverWrap) {
  SlotMap<int, 2, 3> map;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const SlotId a = map.emplace(i);
    const SlotId b = map.emplace(i);
    const SlotId c = map.emplace(i);
    for (const SlotId id : {a, b, c}) {
      EXPECT_TRUE(seen.insert(id.packed()).second);
      EXPECT_LE(id.generation, 3u);
    }
    for (const SlotId id : {a, b, c}) EXPECT_TRUE(map.erase(id));
    EXPECT_LE(map.capacity(), 4u);
  }
  EXPECT_TRUE(map.empty());
}

// [house 3] visit may erase the object it is given.
TEST(SlotMap, ForEachVisitsEachOnceAndMayErase) {
  SlotMap<int, 4> map;
  for (int i = 0; i < 10; ++i) map.emplace(i);
  std::multiset<int> visited;
  map.for_each([&](SlotId id, int& value) {
    visited.insert(value);
    if (value % 2 == 0) map.erase(id);
  });
  EXPECT_THAT(visited, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  visited.clear();
  map.for_each([&](SlotId, int& value) { visited.insert(value); });
  EXPECT_THAT(visited, testing::ElementsAre(1, 3, 5, 7, 9));
}

struct OnEnd {
  explicit OnEnd(std::function<void()> f) : at_end(std::move(f)) {}
  ~OnEnd() {
    if (at_end) at_end();
  }
  OnEnd(const OnEnd&) = delete;
  OnEnd& operator=(const OnEnd&) = delete;
  std::function<void()> at_end;
};

// [house 3] An object that is being destroyed is no longer found, and may erase and insert others.
TEST(SlotMap, DestructorMayUseTheMap) {
  SlotMap<OnEnd, 2> map;
  std::optional<SlotId> mine;
  const SlotId other = map.emplace(nullptr);
  bool found_itself = true;
  mine = map.emplace([&] {
    found_itself = map.find(*mine) != nullptr;
    EXPECT_FALSE(map.erase(*mine));
    EXPECT_TRUE(map.erase(other));
    for (int i = 0; i < 10; ++i) map.emplace(nullptr);
  });
  EXPECT_TRUE(map.erase(*mine));
  EXPECT_FALSE(found_itself);
  EXPECT_EQ(map.size(), 10u);
}

// [house 3] Every object is destroyed once, at the latest with the map.
TEST(SlotMap, DestroysEverythingItHolds) {
  const auto witness = std::make_shared<int>(0);
  {
    SlotMap<std::shared_ptr<int>, 4> map;
    std::vector<SlotId> ids;
    for (int i = 0; i < 21; ++i) ids.push_back(map.emplace(witness));
    for (int i = 0; i < 7; ++i) map.erase(ids[static_cast<std::size_t>(3 * i)]);
    EXPECT_EQ(witness.use_count(), 15);
    map.clear();
    EXPECT_EQ(witness.use_count(), 1);
    map.emplace(witness);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

struct Thrower {
  explicit Thrower(bool fail) {
    if (fail) throw std::runtime_error("no");
  }
};

// [house 4] A constructor that fails at start-up leaves the map as it was.
TEST(SlotMap, FailedConstructionChangesNothing) {
  SlotMap<Thrower, 2> map;
  for (int i = 0; i < 10; ++i) EXPECT_THROW(map.emplace(true), std::runtime_error);
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.capacity(), 2u);
  const SlotId a = map.emplace(false);
  const SlotId b = map.emplace(false);
  const SlotId c = map.emplace(false);
  EXPECT_EQ(map.capacity(), 4u);
  for (const SlotId id : {a, b, c}) EXPECT_TRUE(map.erase(id));
  EXPECT_EQ(map.capacity(), 2u);
}

// [house 3] Against a plain map, over long random histories of growth and shrinking.
TEST(SlotMap, AgreesWithAPlainMap) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random(seed);
    SlotMap<std::uint64_t, 4> map;
    std::unordered_map<std::uint64_t, std::uint64_t> expected;
    std::vector<std::uint64_t> live, dead;
    for (int step = 0; step < 4000; ++step) {
      const bool growing = (step / 500) % 2 == 0;
      if (live.empty() || random.chance(growing ? 0.7 : 0.3)) {
        const std::uint64_t value = random.next();
        const std::uint64_t id = map.emplace(value).packed();
        ASSERT_TRUE(expected.emplace(id, value).second);
        live.push_back(id);
      } else {
        std::swap(live[random.below(live.size())], live.back());
        ASSERT_TRUE(map.erase(SlotId::unpack(live.back())));
        expected.erase(live.back());
        dead.push_back(live.back());
        live.pop_back();
      }
      ASSERT_EQ(map.size(), expected.size());
    }
    for (const auto& [id, value] : expected) ASSERT_EQ(*map.find(SlotId::unpack(id)), value);
    for (const auto id : dead) ASSERT_EQ(map.find(SlotId::unpack(id)), nullptr);
  }
}

}  // namespace
}  // namespace bellhop
