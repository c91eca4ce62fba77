#include "observe/tap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace bellhop::observe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Endpoint ours{IpAddress::v4({127, 0, 0, 1}), 5060};
const Endpoint peer{IpAddress::v4({192, 0, 2, 7}), 5070};
const TimePoint start{1000s};

class Collected : public Log::Sink {
 public:
  explicit Collected(std::vector<std::string>& lines) : lines_(lines) {}
  void line(std::string_view text) override { lines_.emplace_back(text); }

 private:
  std::vector<std::string>& lines_;
};

std::string request(const std::string& method, const std::string& call_id = "1") {
  return method + " sip:bob@example.test SIP/2.0\r\nCall-ID: " + call_id + "\r\nCSeq: 1 " + method + "\r\n\r\n";
}

std::string response(const std::string& cseq_line) {
  return "SIP/2.0 200 OK\r\nCall-ID: 1\r\n" + cseq_line + "\r\n\r\nCSeq: 1 INVITE\r\n";
}

class TapTest : public testing::Test {
 protected:
  void receive(const std::string& octets) { tap.message(Tap::Direction::received, "udp", ours, peer, octets, start); }
  void send(const std::string& octets) { tap.message(Tap::Direction::sent, "tcp", ours, peer, octets, start); }
  const std::vector<std::string>& logged() {
    EXPECT_TRUE(log.flush());
    return lines;
  }
  std::uint64_t counter(std::string_view name) { return metrics.counter(name).value(); }

  std::vector<std::string> lines;
  Log log{std::make_unique<Collected>(lines)};
  Metrics metrics;
  Tap tap{log, metrics};
};

// [house 1.6] Every message passes one point that counts it.
TEST_F(TapTest, CountsMessagesAndOctetsEachWay) {
  receive("12345");
  receive("123");
  send("1234");
  EXPECT_EQ(counter("messages.received"), 2u);
  EXPECT_EQ(counter("messages.received_octets"), 8u);
  EXPECT_EQ(counter("messages.sent"), 1u);
  EXPECT_EQ(counter("messages.sent_octets"), 4u);
}

// [CGP-21] At Major a call logs no packet bodies.
TEST_F(TapTest, LogsNoPacketBelowAllInfo) {
  log.set_level(Level::low_level);
  receive(request("INVITE"));
  EXPECT_THAT(logged(), IsEmpty());
}

// [CGP-21] At All Info the text of the packet is in the log, with where it came from.
TEST_F(TapTest, LogsWholePacketsAtAllInfo) {
  log.set_level(Tag::sip_data, Level::all_info);
  receive(request("OPTIONS"));
  send(request("NOTIFY"));
  ASSERT_THAT(logged(), SizeIs(2));
  EXPECT_THAT(lines[0], HasSubstr("05 SIPDATA received"));
  EXPECT_THAT(lines[0], HasSubstr("from udp[192.0.2.7:5070]"));
  EXPECT_THAT(lines[0], HasSubstr("\n    OPTIONS sip:bob@example.test SIP/2.0\n    Call-ID: 1\n"));
  EXPECT_THAT(lines[1], HasSubstr("to tcp[192.0.2.7:5070]"));
}

// [CGP-23] Level Failure and the dump on: packets of calls are logged as if at All Info, others not.
TEST_F(TapTest, DumpsCallPacketsWhateverTheLevel) {
  log.set_level(Level::failure);
  tap.set_dump_call_packets(true);
  for (const auto* method : {"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "REFER"}) {
    receive(request(method));
  }
  EXPECT_THAT(logged(), SizeIs(8));
  for (const auto* method : {"OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "INVITED", "invite"}) {
    receive(request(method));
  }
  EXPECT_THAT(logged(), SizeIs(8));
}

// [CGP-23] A response belongs to the call its CSeq names, however the header is written; a body does not count.
TEST_F(TapTest, DumpsResponsesByTheirCSeq) {
  log.set_level(Level::failure);
  tap.set_dump_call_packets(true);
  send(response("CSeq: 1 INVITE"));
  send(response("cseq \t:\t 1 \t BYE  "));
  EXPECT_THAT(logged(), SizeIs(2));
  send(response("CSeq: 1 REGISTER"));
  send(response("X-CSeq: 1 INVITE"));
  send("SIP/2.0 200 OK");
  send("");
  EXPECT_THAT(logged(), SizeIs(2));
}

// [house 1.6] The ring is off until asked for.
TEST_F(TapTest, KeepsNothingWithoutARing) {
  receive(request("INVITE"));
  EXPECT_THAT(tap.find(""), IsEmpty());
}

// [house 1.6] The trace ring keeps the newest messages within its octets, newest last.
TEST_F(TapTest, RingForgetsTheOldest) {
  tap.set_ring_size(10);
  receive("first");
  receive("other");
  send("third");
  const auto kept = tap.find("");
  ASSERT_THAT(kept, SizeIs(2));
  EXPECT_EQ(kept[0].octets, "other");
  EXPECT_EQ(kept[1].octets, "third");
  EXPECT_EQ(kept[1].direction, Tap::Direction::sent);
  EXPECT_EQ(kept[1].remote, peer);
  EXPECT_EQ(kept[1].time, start);

  receive("larger than the whole ring");
  EXPECT_THAT(tap.find(""), SizeIs(2));
  tap.set_ring_size(5);
  EXPECT_THAT(tap.find(""), SizeIs(1));
  tap.set_ring_size(0);
  EXPECT_THAT(tap.find(""), IsEmpty());
}

// [house 1.6] A call is found by its Call-ID.
TEST_F(TapTest, RingIsSearchedByContent) {
  tap.set_ring_size(10000);
  receive(request("INVITE", "abc@host"));
  receive(request("INVITE", "def@host"));
  send(request("BYE", "abc@host"));
  EXPECT_THAT(tap.find("abc@host"), SizeIs(2));
  EXPECT_THAT(tap.find("ghi@host"), IsEmpty());
}

}  // namespace
}  // namespace bellhop::observe
