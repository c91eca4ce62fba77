#include "transaction/sent_via.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bellhop::transaction {
namespace {

// [RFC3261 17.1.3] What is remembered when a Via is written is what reading it back would give.
TEST(SentVia, AsWrittenAndAsRead) {
  for (const char* sent_by : {"192.0.2.1:5060", "192.0.2.1", "Proxy.Example.test:15060", "proxy.example.test",
                              "[2001:db8::1]:5061", "[2001:DB8::1]"}) {
    const std::string octets = fmt::format(
        "NOTIFY sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bK1\r\n"
        "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2\r\nCall-ID: 1\r\n\r\n",
        sent_by);
    EXPECT_EQ(SentVia::of_written(sent_by, "NOTIFY", 2), SentVia::of_request(octets)) << sent_by;
    EXPECT_NE(SentVia::of_written(sent_by, "NOTIFY", 3), SentVia::of_request(octets)) << sent_by;
    EXPECT_NE(SentVia::of_written(sent_by, "MESSAGE", 2), SentVia::of_request(octets)) << sent_by;
  }
}

}  // namespace
}  // namespace bellhop::transaction
