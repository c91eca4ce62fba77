#include "transport/avoided.hpp"

#include <gmock/gmock.h>

namespace bellhop::transport {
namespace {

const TimePoint now{seconds(1'700'000'000)};

Target target(int last, sip::Transport transport = sip::Transport::udp) {
  return {transport, {IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(last)}), 5060}, false, {}};
}

struct AvoidedTest : testing::Test {
  std::vector<int> order(std::initializer_list<int> targets, TimePoint when = now) {
    std::vector<Target> list;
    for (const int last : targets) list.push_back(target(last));
    avoided.put_last(list, when);
    std::vector<int> lasts;
    for (const Target& t : list) lasts.push_back(t.endpoint.address.octets()[3]);
    return lasts;
  }
  std::int64_t gauge() {
    observe::Metrics::Values values;
    metrics.collect(values);
    return values.gauges["transport.targets.avoided"];
  }
  observe::Metrics metrics;
  Avoided avoided{metrics};
};

using Order = std::vector<int>;

// [KAM-20] A target that failed comes behind all others until its time is over
TEST_F(AvoidedTest, FailedTargetsComeLast) {
  EXPECT_EQ(order({1, 2, 3}), (Order{1, 2, 3}));
  avoided.failed(target(1), 60s, now);
  EXPECT_EQ(order({1, 2, 3}), (Order{2, 3, 1}));
  EXPECT_EQ(order({1, 2, 3}, now + 59s), (Order{2, 3, 1}));
  EXPECT_EQ(gauge(), 1);
  EXPECT_EQ(order({1, 2, 3}, now + 60s), (Order{1, 2, 3}));
  EXPECT_EQ(gauge(), 0);
}

// [KAM-20] When all failed they are tried in their own order
TEST_F(AvoidedTest, NobodyIsLockedOut) {
  for (const int last : {2, 1, 3}) avoided.failed(target(last), 60s, now);
  EXPECT_EQ(order({1, 2, 3}), (Order{1, 2, 3}));
}

// [KAM-20] One that answers is forgotten; another transport to the same address is another target
TEST_F(AvoidedTest, SuccessForgives) {
  avoided.failed(target(1), 60s, now);
  avoided.succeeded(target(1, sip::Transport::tcp));
  EXPECT_EQ(order({1, 2}), (Order{2, 1}));
  avoided.succeeded(target(1));
  EXPECT_EQ(order({1, 2}), (Order{1, 2}));
}

// [KAM-20] No time: counted, but not avoided; a later failure does not shorten what was said
TEST_F(AvoidedTest, TimesAreKept) {
  avoided.failed(target(1), 0s, now);
  EXPECT_EQ(order({1, 2}), (Order{1, 2}));
  avoided.failed(target(1), 600s, now);
  avoided.failed(target(1), 60s, now + 1s);
  EXPECT_EQ(order({1, 2}, now + 599s), (Order{2, 1}));
  observe::Metrics::Values values;
  metrics.collect(values);
  EXPECT_EQ(values.counters["transport.targets.failed"], 3u);
}

// [threats 70] Strangers' targets cannot fill the memory
TEST_F(AvoidedTest, IsBounded) {
  for (int i = 0; i < 10'000; ++i)
    avoided.failed({sip::Transport::udp,
                    {IpAddress::v4({10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}), 5060},
                    false,
                    {}},
                   seconds(60) + microseconds(i), now);
  EXPECT_LE(gauge(), 1024);
  EXPECT_GE(gauge(), 1000);
}

}  // namespace
}  // namespace bellhop::transport
