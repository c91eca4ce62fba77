#include "net/answer_cache.hpp"

#include <gmock/gmock.h>

namespace bellhop::net {
namespace {

const TimePoint now{seconds(1'700'000'000)};
AnswerPtr answer(std::string name, std::uint8_t last, Duration ttl) {
  Answer made;
  made.question = {RecordType::address, std::move(name)};
  made.outcome = Answer::Outcome::found;
  made.addresses = {IpAddress::v4({192, 0, 2, last})};
  made.valid_until = now + ttl;
  return std::make_shared<const Answer>(std::move(made));
}

// [KAM-19] Names are compared without case and final dot.
TEST(HostKey, FoldsCaseAndTheFinalDot) {
  EXPECT_EQ(HostKey("SIP.Example.TEST.").view(), "sip.example.test");
}

// [threats 12] No DNS query for junk: what cannot be a host name never becomes a key.
TEST(HostKey, JunkIsNotAName) {
  const std::string label63(63, 'a');
  for (const std::string& junk :
       {std::string(), std::string("."), std::string(".1"), std::string("a..b"), std::string("1.2.3"),
        std::string("300.1.1.1"), std::string("a b"), std::string("a\0b", 3), std::string("host:5060"),
        std::string("[::1"), std::string("münchen.test"), label63 + "a.test", std::string(254, 'a'),
        label63 + "." + label63 + "." + label63 + "." + label63}) {
    EXPECT_FALSE(HostKey(junk).valid()) << junk;
  }
  for (const std::string& name : {std::string("localhost"), std::string("_sip._udp.example.test"),
                                  std::string("3com.example"), label63 + ".test"}) {
    EXPECT_TRUE(HostKey(name).valid()) << name;
  }
}

// [KAM-19] An answer is given until its time is over, and then no longer.
TEST(AnswerCache, GivesWhatIsFresh) {
  AnswerCache cache(1000, 1);
  EXPECT_EQ(cache.find(RecordType::address, "a.test", now), nullptr);
  const AnswerPtr first = answer("a.test", 1, 5s), second = answer("a.test", 2, 60s);
  cache.store(first);
  EXPECT_EQ(cache.find(RecordType::address, "a.test", now + 4s), first) << "the same value, not a copy";
  EXPECT_EQ(cache.find(RecordType::address, "a.test", now + 5s), nullptr);
  cache.store(second);
  EXPECT_EQ(cache.find(RecordType::address, "a.test", now + 5s), second);
  EXPECT_EQ(cache.size(), 1u);
}

// [KAM-16] The records of a name do not stand in for its addresses.
TEST(AnswerCache, KeepsTheTypesApart) {
  AnswerCache cache(1000, 1);
  cache.store(answer("a.test", 1, 5s));
  EXPECT_EQ(cache.find(RecordType::srv, "a.test", now), nullptr);
  EXPECT_EQ(cache.find(RecordType::naptr, "a.test", now), nullptr);
}

// [threats 70] Names chosen by strangers cannot fill the memory, nor push out a name in use.
TEST(AnswerCache, IsBoundedAndKeepsWhatIsUsed) {
  AnswerCache cache(1000, 1);
  cache.store(answer("used.test", 1, 1h));
  for (int i = 0; i < 20'000; ++i) {
    cache.store(answer("junk" + std::to_string(i) + ".test", 2, 1h));
    ASSERT_NE(cache.find(RecordType::address, "used.test", now), nullptr) << i;
  }
  EXPECT_LE(cache.size(), 1000u);
  EXPECT_GE(cache.size(), 400u);
}

// [threats 12] An address needs no DNS, and junk has none.
TEST(AnswerCache, WhatNeedsNoDnsIsAnswered) {
  EXPECT_THAT(answer_without_dns(RecordType::address, "[2001:db8::1]")->addresses,
              testing::ElementsAre(*IpAddress::parse("2001:db8::1")));
  EXPECT_EQ(answer_without_dns(RecordType::address, ".1")->outcome, Answer::Outcome::absent);
  EXPECT_EQ(answer_without_dns(RecordType::srv, "192.0.2.1")->outcome, Answer::Outcome::absent);
}

}  // namespace
}  // namespace bellhop::net
