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
    const SentVia read = SentVia::of_request(octets);
    EXPECT_EQ(SentVia::of_written(sent_by, "z9hG4bK1", "NOTIFY", 2), read) << sent_by;
    EXPECT_EQ(SentVia::of_written(sent_by, "Z9HG4BK1", "NOTIFY", 2), read) << sent_by;
    EXPECT_NE(SentVia::of_written(sent_by, "z9hG4bK2", "NOTIFY", 2), read) << sent_by;
    EXPECT_NE(SentVia::of_written(sent_by, "z9hG4bK1", "NOTIFY", 3), read) << sent_by;
    EXPECT_NE(SentVia::of_written(sent_by, "z9hG4bK1", "MESSAGE", 2), read) << sent_by;
  }
}

// [RFC3261 7.3.1] Branch and host count to their ends, and without case; also such as nobody has, but for the case.
TEST(SentVia, LongBranchesCountToTheirEnds) {
  for (const std::size_t size : {40U, 480U, 510U, 2000U}) {
    const std::string branch = "z9hG4bK" + std::string(size, 'x');
    const SentVia sent = SentVia::of_written("proxy.example.test", branch, "BYE", 1);
    EXPECT_EQ(SentVia::of_written("proxy.example.test", branch, "BYE", 1), sent);
    EXPECT_NE(SentVia::of_written("proxy.example.test", branch + "x", "BYE", 1), sent);
    EXPECT_NE(SentVia::of_written("proxy.example.tesu", branch, "BYE", 1), sent);
    EXPECT_NE(SentVia::of_written("xproxy.example.test", branch.substr(0, branch.size() - 1), "BYE", 1), sent);
    const SentVia other_case =
        SentVia::of_written("PROXY.example.TEST", "Z9HG4bK" + std::string(size, 'X'), "BYE", 1);
    EXPECT_EQ(other_case == sent, size < 500);
  }
}

}  // namespace
}  // namespace bellhop::transaction
