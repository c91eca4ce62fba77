// threats.md rows 37 to 44: bodies and header fields that are dangerous to whoever reads them. This server does not:
// they pass octet for octet, and the answer comes back at once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hands.hpp"
#include "threat.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::AllOf;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string repeated(std::size_t times, std::string_view text) {
  std::string out;
  while (times-- != 0) out += text;
  return out;
}

class Unread : public testing::TestWithParam<Transport> {
 protected:
  Unread() : hands(World::open_house(), GetParam(), GetParam()) {}
  void TearDown() override {
    hands.world.run_for(seconds(45));
    EXPECT_EQ(hands.world.transactions(), 0u);
    EXPECT_TRUE(Stranger::server_lives(hands.world));
  }
  /// bob hears it, refuses it, and alice knows within a second; nobody else hears a thing.
  std::string heard_and_refused(const Draft& draft) {
    const std::string sent = draft.text(), method = sent.substr(0, sent.find(' '));
    hands.alice.forget();
    (void)hands.world.arrows();
    const std::string heard = hands.heard(sent);
    EXPECT_THAT(heard, StartsWith(method + " sip:bob@127.0.0.77:5077"));
    hands.bob_says("415 Unsupported Media Type", method);
    EXPECT_THAT(hands.alice.last("SIP/2.0"), StartsWith("SIP/2.0 415 "));
    if (method == "INVITE") hands.alice.send(ack_of(sent, hands.alice.last("SIP/2.0 415")));
    hands.world.run_for(milliseconds(100));
    EXPECT_THAT(hands.world.arrows(),
                Each(testing::AnyOf(HasSubstr("127.0.0.66"), HasSubstr("127.0.0.77"), HasSubstr("stranger"))));
    return heard;
  }
  void body_passes(std::string_view method, std::string_view type, const std::string& body) {
    SCOPED_TRACE(body.substr(0, 60));
    EXPECT_THAT(heard_and_refused(hands.alice.draft(method).body(body, type)),
                AllOf(HasSubstr(fmt::format("\r\nContent-Type: {}\r\n", type)), EndsWith("\r\n\r\n" + body)));
  }
  void line_passes(std::string_view method, const std::string& line) {
    SCOPED_TRACE(line.substr(0, 60));
    EXPECT_THAT(heard_and_refused(hands.alice.draft(method).add(line)), HasSubstr("\r\n" + line + "\r\n"));
  }
  Hands hands;
};
INSTANTIATE_TEST_SUITE_P(Over, Unread, testing::Values(Transport::udp, Transport::tcp), name_of_transport);

// [threats 37] SDP with empty and cut lines, numbers out of every range, a thousand streams, other line ends
TEST_P(Unread, BrokenSdp) {
  const std::string start = "v=0\r\no=- 1 1 IN IP4 127.0.0.66\r\ns=-\r\nc=IN IP4 127.0.0.66\r\nt=0 0\r\n";
  for (const std::string& lines :
       {std::string("a=\r\n"), std::string("m=audio 4000 RTP/AVP 0\r\na=rtpmap\r\na=rtpmap:\r\na=fmtp\r\na=fmtp:\r\n"),
        std::string("m=\r\n"), std::string("m=audio\r\n"), std::string("m=audio 4000/4294967295 RTP/AVP 0\r\n"),
        std::string("m=audio 99999999999 RTP/AVP 0\r\n"), repeated(1000, "m=audio 4000 RTP/AVP 0\r\n"),
        std::string("m=audio 4000 RTP/AVP 0"), std::string("m=audio 4000 RTP/AVP 0\na=sendrecv\n")})
    body_passes("INVITE", "application/sdp", start + lines);
}

// [threats 38] Multipart bodies without a boundary, without an end, of a thousand parts, a hundred and twenty deep
TEST_P(Unread, BrokenMultipart) {
  const std::string part = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n";
  body_passes("INVITE", "multipart/mixed", part);
  body_passes("INVITE", "multipart/mixed;boundary=", part);
  body_passes("INVITE", "multipart/mixed;boundary=never", part);
  body_passes("INVITE", "multipart/mixed;boundary=b", part);
  body_passes("INVITE", "multipart/mixed;boundary=b", repeated(1000, part) + "--b--\r\n");
  std::string deep;
  for (int level = 0; level < 120; ++level)
    deep += fmt::format("--b{}\r\nContent-Type: multipart/mixed;boundary=b{}\r\n\r\n", level, level + 1);
  body_passes("MESSAGE", "multipart/mixed;boundary=b0", deep);
}

// [threats 39] Presence documents thousands of elements deep, that grow without bound, that reach for files and hosts
TEST_P(Unread, BrokenPresenceDocuments) {
  const char* type = "application/pidf+xml";
  body_passes("PUBLISH", type, "<presence>" + repeated(6000, "<tuple>"));
  body_passes("PUBLISH", type,
              "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>"
              "<presence>&c;</presence>");
  body_passes("PUBLISH", type,
              "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\"><!ENTITY b SYSTEM \"http://127.0.0.1:8080/\">]>"
              "<presence>&a;&b;</presence>");
}

// [threats 40] A SIP-If-Match of 5 kB, empty, quoted
TEST_P(Unread, BrokenEntityTags) {
  for (const std::string& tag :
       {std::string(5000, 'e'), std::string(), std::string("\"quoted\""), std::string("\"open")})
    line_passes("PUBLISH", "SIP-If-Match: " + tag);
}

// [threats 41] A voice mail notice with an account of 5 kB
TEST_P(Unread, OverlongMessageAccount) {
  body_passes("NOTIFY", "application/simple-message-summary",
              fmt::format("Messages-Waiting: yes\r\nMessage-Account: sip:{}@example.test\r\n", std::string(5000, 'a')));
}

// [threats 42] A Subscription-State that is empty, overlong, or expires in three million years
TEST_P(Unread, BrokenSubscriptionState) {
  for (const std::string& state : {std::string(), std::string(5000, 's'), std::string("active;expires=100000000000000"),
                                   std::string(";;;="), std::string("active;expires=-1")})
    line_passes("NOTIFY", "Subscription-State: " + state);
}

// [threats 43] Diversion and History-Info with tel:, empty, with an open quote
TEST_P(Unread, BrokenDiversion) {
  for (const char* name : {"Diversion", "History-Info"})
    for (const char* value :
         {"<tel:+15551234>;reason=unconditional;index=1", "", "\"open <sip:a@example.test>", "<sip:"})
      line_passes("INVITE", fmt::format("{}: {}", name, value));
}

// [threats 44] An Identity whose certificate is a file or an inner address: nobody fetches it
TEST_P(Unread, IdentityWithInnerAddresses) {
  for (const char* where : {"file:///etc/passwd", "http://127.0.0.1:8080/admin", "https://elsewhere.test/cert"})
    line_passes("INVITE", fmt::format("Identity: abc.def.ghi;info=<{}>;alg=ES256;ppt=shaken", where));
  EXPECT_EQ(hands.world.net().dns_questions(net::RecordType::address, "elsewhere.test"), 0u);
}

}  // namespace
}  // namespace bellhop::scenario
