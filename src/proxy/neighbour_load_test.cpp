#include "proxy/neighbour_load.hpp"

#include <gtest/gtest.h>

namespace bellhop::proxy {
namespace {

const TimePoint start{seconds(1'700'000'000)};
const Endpoint neighbour = *Endpoint::parse("192.0.2.7:5060");

struct NeighbourLoadTest : testing::Test {
  void hears(std::string_view parameters, TimePoint now = start) {
    const std::string text = "SIP/2.0/UDP a.example:5060;branch=z9hG4bK1" + std::string(parameters);
    if (const auto via = sip::parse_via(text)) load.heard(neighbour, *via, now);  // else it is refused before
  }
  unsigned admitted(TimePoint now = start) {
    unsigned count = 0;
    for (unsigned dice = 0; dice < 100; ++dice) count += load.admits(neighbour, dice, now) ? 1 : 0;
    return count;
  }
  NeighbourLoad load;
};

// [RFC7339 4.1, 4.3] So many percent less, for as long as it said
TEST_F(NeighbourLoadTest, LossIsObeyedWhileItIsValid) {
  EXPECT_EQ(admitted(), 100u);
  hears(R"(;oc=20;oc-algo="loss";oc-validity=1000;oc-seq=1282321615.782)");
  EXPECT_EQ(admitted(), 80u);
  EXPECT_EQ(admitted(start + milliseconds(999)), 80u);
  EXPECT_EQ(admitted(start + milliseconds(1000)), 100u);
  EXPECT_TRUE(load.admits(*Endpoint::parse("192.0.2.8:5060"), 0, start)) << "others are not meant";
}

// [RFC7339 4.3] Without a validity 500 ms count, and the algorithm is loss
TEST_F(NeighbourLoadTest, DefaultsAreThoseOfTheStandard) {
  hears(";oc=100;oc-seq=1.1");
  EXPECT_EQ(admitted(start + milliseconds(499)), 0u);
  EXPECT_EQ(admitted(start + milliseconds(500)), 100u);
}

// [RFC7339 4.4] What is older than what is known counts nothing
TEST_F(NeighbourLoadTest, FeedbackOutOfOrderIsIgnored) {
  hears(";oc=20;oc-validity=1000;oc-seq=10.5");
  hears(";oc=90;oc-validity=1000;oc-seq=10.49");
  hears(";oc=90;oc-validity=1000;oc-seq=10.5");
  EXPECT_EQ(admitted(), 80u);
  hears(";oc=90;oc-validity=1000;oc-seq=10.51");
  EXPECT_EQ(admitted(), 10u);
}

// [RFC7339 5.7] oc-validity=0 ends it
TEST_F(NeighbourLoadTest, TheServerEndsIt) {
  hears(";oc=50;oc-validity=5000;oc-seq=1.0");
  hears(";oc=0;oc-validity=0;oc-seq=1.1");
  EXPECT_EQ(admitted(), 100u);
}

// [RFC7415 3.5] At most so many requests a second, with a short burst
TEST_F(NeighbourLoadTest, ARateIsKept) {
  hears(R"(;oc=10;oc-algo="rate";oc-validity=60000;oc-seq=1.0)");
  unsigned sent = 0;
  for (int ms = 0; ms < 10'000; ++ms) sent += load.admits(neighbour, 0, start + milliseconds(ms)) ? 1 : 0;
  EXPECT_GE(sent, 100u);
  EXPECT_LE(sent, 105u);
  hears(R"(;oc=0;oc-algo="rate";oc-validity=60000;oc-seq=1.1)", start + seconds(20));
  EXPECT_EQ(admitted(start + seconds(20)), 0u) << "a rate of 0 means none at all";
}

// [RFC7339 6] What makes no sense asks for nothing
TEST_F(NeighbourLoadTest, NonsenseIsIgnored) {
  for (const char* nonsense :
       {";oc", ";oc=", ";oc=x;oc-seq=1.1", ";oc=50", ";oc=101;oc-seq=1.1", ";oc=50;oc-seq=1", ";oc=50;oc-seq=1.123456",
        ";oc=50;oc-validity=-1;oc-seq=1.1", ";oc=99999999999999999999;oc-algo=\"rate\";oc-seq=1.1"})
    hears(nonsense);
  EXPECT_EQ(admitted(), 100u);
  EXPECT_EQ(load.size(), 0u);
}

}  // namespace
}  // namespace bellhop::proxy
