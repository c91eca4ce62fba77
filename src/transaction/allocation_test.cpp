#include <gtest/gtest.h>

#include "base/allocations_for_test.hpp"
#include "transaction/tables_for_test.hpp"

namespace bellhop::transaction {
namespace {

class Counting final : public Output {
 public:
  void transmit(const net::Flow&, std::string_view) override { ++sent; }
  std::size_t sent = 0;
};

constexpr crypto::Key key{1};

// [threats 50] Absorbing a repeated request costs no heap allocation, whatever its state, with and without cookie.
TEST(Allocations, AbsorbedRequestRepeatCostsNone) {
  Clockwork clock;
  Counting output;
  Parsed parsed;
  ServerTransactions table{clock.timers, clock.wheel, output, clock.metrics, 7};
  for (const char* branch : {";branch=z9hG4bKa", ";branch=old"}) {
    for (const int status : {0, 100, 180, 200, 486}) {
      Text text;
      text.branch = branch + std::to_string(status);
      const sip::Message& invite = parsed(text.request());
      const SlotId id = table.create(invite, udp_flow, true, start);
      if (status != 0) {
        ASSERT_TRUE(table.answer(id, {status}, text.response(status), start));
      }
      const auto again = [&] { EXPECT_EQ(table.on_request(invite, start), ServerTransactions::Arrival::absorbed); };
      EXPECT_EQ(allocations_of(again), 0U) << branch << status;
    }
  }
  EXPECT_GT(output.sent, 0U);
}

// [threats 50] Absorbing a repeated ACK or a repeat that Timer G sends costs no heap allocation.
TEST(Allocations, AckAndTimerCostNone) {
  Clockwork clock;
  Counting output;
  Parsed parsed;
  ServerTransactions table{clock.timers, clock.wheel, output, clock.metrics, 7};
  Text text;
  const SlotId id = table.create(parsed(text.request()), udp_flow, true, start);
  ASSERT_TRUE(table.answer(id, {486}, text.response(486), start));
  TimePoint now = start;
  const auto fire = [&] {
    now += 5s;
    clock.wheel.advance(now, [&](std::uint64_t token) { table.on_timer(token, now); });
  };
  EXPECT_EQ(allocations_of(fire), 0U);
  EXPECT_EQ(output.sent, 3U);
  text.method = "ACK";
  const sip::Message& ack = parsed(text.request());
  const auto again = [&] { EXPECT_EQ(table.on_request(ack, now), ServerTransactions::Arrival::absorbed); };
  EXPECT_EQ(allocations_of(again), 0U);
}

// [threats 50] Absorbing or passing up a response costs no heap allocation, nor does refusing a stray one.
TEST(Allocations, ResponseRepeatCostsNone) {
  Clockwork clock;
  Counting output;
  Parsed parsed;
  ClientTransactions table{clock.timers, clock.wheel, output, clock.metrics, key, 0};
  for (const int status : {100, 180, 200, 486}) {
    const SlotId id = table.reserve();
    Text text;
    text.branch = ";branch=";
    table.append_branch(text.branch, id, 1);
    table.start(id, sip::Method::invite, text.request(), udp_flow, SlotId{}, start);
    const sip::Message& response = parsed(text.response(status));
    const auto again = [&] {
      EXPECT_NE(table.on_response(response, start).kind, ClientTransactions::Match::Kind::not_ours);
    };
    EXPECT_EQ(allocations_of(again), 0U) << status;
  }
  const sip::Message& stray = parsed(Text{}.response(200));
  const auto refuse = [&] {
    EXPECT_EQ(table.on_response(stray, start).kind, ClientTransactions::Match::Kind::not_ours);
  };
  EXPECT_EQ(allocations_of(refuse), 0U);
}

// [RFC3261 17.2] The counter itself counts, so that zero means something.
TEST(Allocations, AreCounted) {
  EXPECT_EQ(allocations_of([] { ::operator delete(::operator new(1)); }), 1U);
}

}  // namespace
}  // namespace bellhop::transaction
