#include "transport/websocket_upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transport/websocket_client_for_test.hpp"

namespace bellhop::transport {
namespace {

using Outcome = WebSocket::Outcome;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view accepted =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    "Sec-WebSocket-Protocol: sip\r\n\r\n";

std::string changed(std::string_view what, std::string_view instead) {
  return with(upgrade_of_rfc7118, what, instead);
}

/// "403 This Origin is not allowed. ...", or "101" when the client is let in.
std::string verdict_on(std::string_view request, WebSocketRules rules = {}) {
  WebSocketClientForTest client(std::move(rules));
  const Outcome outcome = client.send(request);
  if (outcome == Outcome::more && client.opened == 0) return "waits";
  const std::string status = client.answered.substr(9, 3);
  EXPECT_EQ(status == "101", outcome == Outcome::more) << client.answered;
  EXPECT_EQ(client.opened, outcome == Outcome::more ? 1 : 0);
  EXPECT_EQ(client.socket.is_open(), outcome == Outcome::more);
  return outcome == Outcome::more ? status : status + " " + std::string(client.socket.refusal());
}

// [RFC6455 1.3] The example key is answered with the example accept value. [RFC7118 4.1] and with the subprotocol "sip"
TEST(WebSocketUpgrade, TheExampleOfTheStandardIsAnsweredAsItSays) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.send(upgrade_of_rfc7118), Outcome::more);
  EXPECT_EQ(client.answered, accepted);
  EXPECT_EQ(client.opened, 1);
  EXPECT_TRUE(client.socket.is_open());
  EXPECT_FALSE(client.socket.in_progress());
  EXPECT_EQ(client.socket.refusal(), "");
}

// [RFC6455 4.1] What a browser of today sends is understood: more fields, lists, other cases, an extension we do not
// take
TEST(WebSocketUpgrade, ABrowserIsLetInAndDescribed) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.send("GET /sip?room=1 HTTP/1.1\r\n"
                        "Host: 127.0.0.1:8080\r\n"
                        "Connection: keep-alive, upgrade\r\n"
                        "Pragma: no-cache\r\n"
                        "Cache-Control: no-cache\r\n"
                        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0.0.0\r\n"
                        "Upgrade: WebSocket\r\n"
                        "Origin: https://phone.example.test\r\n"
                        "Sec-WebSocket-Version:13\r\n"
                        "Accept-Encoding: gzip, deflate, br\r\n"
                        "Sec-WebSocket-Key:  dGhlIHNhbXBsZSBub25jZQ== \r\n"
                        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                        "sec-websocket-protocol: xmpp, sip\r\n"
                        "Cookie:\r\n\r\n"),
            Outcome::more);
  EXPECT_EQ(client.answered, accepted);
  EXPECT_EQ(client.origin, "https://phone.example.test");
  EXPECT_EQ(client.path, "/sip?room=1");
  EXPECT_EQ(client.user_agent, "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0.0.0");
}

// [RFC6455 4.2.2] The server's answer comes before anything else it sends: it is there when the opening is told
TEST(WebSocketUpgrade, TheAnswerIsThereWhenTheOpeningIsTold) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.send(std::string(upgrade_of_rfc7118) + text_frame("SIP")), Outcome::more);
  EXPECT_EQ(client.answered_at_open, accepted);
}

// [RFC6455 4.2.1] Octets right behind the request are the first frames
TEST(WebSocketUpgrade, FramesMayFollowInTheSameRead) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{60}, std::string::npos}) {
    WebSocketClientForTest client;
    EXPECT_EQ(client.send(std::string(upgrade_of_rfc7118) + text_frame("one") + text_frame("two"), step),
              Outcome::more);
    EXPECT_EQ(client.answered, accepted) << step;
    EXPECT_THAT(client.messages, testing::ElementsAre("one", "two")) << step;
    EXPECT_FALSE(client.socket.in_progress()) << step;
  }
}

// [RFC6455 4.2.1] Until the request has arrived nothing is answered and nothing can be written
TEST(WebSocketUpgrade, HalfARequestWaits) {
  WebSocketClientForTest client;
  EXPECT_TRUE(client.socket.in_progress());
  EXPECT_EQ(client.send(""), Outcome::more);
  EXPECT_EQ(client.send(upgrade_of_rfc7118.substr(0, 100)), Outcome::more);
  EXPECT_TRUE(client.socket.in_progress());
  EXPECT_FALSE(client.socket.write("SIP", client.answered));
  client.socket.ping(client.answered);
  client.socket.close(CloseCode::going_away, "", client.answered);
  EXPECT_EQ(client.answered, "");
  EXPECT_EQ(client.send(upgrade_of_rfc7118.substr(100)), Outcome::more);
  EXPECT_EQ(client.answered, accepted);
}

// [RFC6455 4.2.1] GET, Host, Upgrade, Connection, key and version are all needed, and once
TEST(WebSocketUpgrade, EveryRequirementIsChecked) {
  EXPECT_EQ(verdict_on(changed("GET", "POST")), "405 A WebSocket is opened with GET.");
  EXPECT_EQ(verdict_on(changed("HTTP/1.1", "HTTP/1.0")), "505 A WebSocket is opened with HTTP/1.1.");
  EXPECT_EQ(verdict_on(changed(" HTTP/1.1", "")), "505 A WebSocket is opened with HTTP/1.1.");
  EXPECT_EQ(verdict_on(changed("HTTP/1.1", "HTTP/2.0")), "505 A WebSocket is opened with HTTP/1.1.");
  EXPECT_EQ(verdict_on(changed("Host: sip-ws.example.com\r\n", "")), "400 The request needs one Host.");
  EXPECT_EQ(verdict_on(changed("Host: sip-ws.example.com\r\n", "Host:\r\n")), "400 The request needs one Host.");
  EXPECT_EQ(verdict_on(changed("Host", "Host: other.example.com\r\nHost")), "400 The request needs one Host.");
  EXPECT_THAT(verdict_on(changed("Upgrade: websocket\r\n", "")),
              StartsWith("426 This is a SIP over WebSocket service"));
  EXPECT_THAT(verdict_on(changed("websocket", "h2c")), StartsWith("426 This is a SIP over WebSocket service"));
  EXPECT_THAT(verdict_on(changed("Connection: Upgrade\r\n", "")), StartsWith("426 This is a SIP"));
  EXPECT_THAT(verdict_on(changed("Connection: Upgrade", "Connection: close")), StartsWith("426 This is a SIP"));
  EXPECT_EQ(verdict_on(changed("Version: 13", "Version: 8")), "426 Sec-WebSocket-Version is not 13. It says \"8\".");
  EXPECT_EQ(verdict_on(changed("Sec-WebSocket-Version: 13\r\n", "")), "426 Sec-WebSocket-Version is not 13.");
  EXPECT_THAT(
      verdict_on(changed("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13")),
      StartsWith("426 "));
  EXPECT_EQ(verdict_on(changed("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody")), "400 The request has a body.");
  EXPECT_EQ(verdict_on(changed("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n")), "400 The request has a body.");
  EXPECT_EQ(verdict_on(changed("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n")), "101");
}

// [RFC6455 4.2.1] The key is 16 octets in base64
TEST(WebSocketUpgrade, TheKeyIsSixteenOctets) {
  const auto keyed = [](std::string_view key) { return verdict_on(changed("dGhlIHNhbXBsZSBub25jZQ==", key)); };
  EXPECT_EQ(keyed("AAAAAAAAAAAAAAAAAAA+/A=="), "101");
  for (const std::string_view bad :
       {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25jZ?==",
        "dGhlIHNhbXBsZSBub25jZQ===", "c2hvcnQ="})
    EXPECT_THAT(keyed(bad), StartsWith("400 Sec-WebSocket-Key is not 16 octets in base64.")) << bad;
  EXPECT_THAT(
      verdict_on(changed("Sec-WebSocket-Key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Key")),
      StartsWith("400 Sec-WebSocket-Key"));
}

// [RFC7118 4.1] "sip" must be among the subprotocols offered, as it is written
TEST(WebSocketUpgrade, TheSubprotocolIsSip) {
  const auto offered = [](std::string_view lines) {
    return verdict_on(changed("Sec-WebSocket-Protocol: sip\r\n", lines));
  };
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: msrp,sip\r\n"), "101");
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: , ,sip ,\r\n"), "101");
  const std::string refused = "400 Sec-WebSocket-Protocol does not offer sip.";
  EXPECT_EQ(offered(""), refused);
  EXPECT_EQ(offered("Sec-WebSocket-Protocol:\r\n"), refused);
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: chat, sipx, xsip\r\n"), refused);
  EXPECT_EQ(offered("Sec-WebSocket-Protocol: SIP\r\n"), refused);
}

// [RFC6455 10.2] A page that is not on the list is refused with 403; whoever has no Origin is no page
TEST(WebSocketUpgrade, OriginsAreCheckedAgainstTheList) {
  const WebSocketRules rules{.max_message_size = 100,
                             .origins = {"https://phone.example.test", "http://WWW.example.com"}};
  EXPECT_EQ(verdict_on(upgrade_of_rfc7118, rules), "101");
  EXPECT_EQ(verdict_on(changed("http://www.example.com", "HTTPS://Phone.example.test"), rules), "101");
  EXPECT_EQ(verdict_on(changed("Origin: http://www.example.com\r\n", ""), rules), "101");
  for (const std::string_view other :
       {"https://www.example.com", "http://www.example.com.evil.test", "http://www.example.com:81",
        "http://www.example.co", "null", "http://evil.test, http://www.example.com"})
    EXPECT_EQ(verdict_on(changed("http://www.example.com", other), rules),
              "403 This Origin is not allowed. It says \"" + std::string(other) + "\".");
  EXPECT_EQ(verdict_on(changed("Origin: http://www.example.com\r\n", "Origin:\r\n"), rules),
            "403 This Origin is not allowed.");
  EXPECT_EQ(verdict_on(changed("Origin", "Origin: http://evil.test\r\nOrigin"), rules),
            "400 The request has several Origin fields.");
  EXPECT_EQ(verdict_on(changed("http://www.example.com", "http://evil.test")), "101");
}

// [RFC9110 15.5.22] 426 says what to upgrade to. [RFC6455 4.4] and which version. A plain request is answered and ends
TEST(WebSocketUpgrade, APlainRequestIsToldToUpgrade) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Outcome::refused);
  EXPECT_EQ(client.answered,
            "HTTP/1.1 426 Upgrade Required\r\n"
            "Connection: Upgrade, close\r\n"
            "Upgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Cache-Control: no-store\r\n"
            "Content-Length: 92\r\n\r\n"
            "This is a SIP over WebSocket service: the request does not ask for an upgrade to websocket.\n");
  EXPECT_THAT(verdict_on("GET / HTTP/1.0\r\n\r\n"), StartsWith("426 "));
  EXPECT_THAT(verdict_on("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), StartsWith("426 "));
}

// [RFC9110 9.3.2] An answer to HEAD has no body. [RFC9110 15.5.6] 405 names the methods there are
TEST(WebSocketUpgrade, RefusalsFollowTheMethod) {
  WebSocketClientForTest head, post;
  EXPECT_EQ(head.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), Outcome::refused);
  EXPECT_THAT(head.answered, EndsWith("\r\n\r\n"));
  EXPECT_EQ(post.send(changed("GET", "POST")), Outcome::refused);
  EXPECT_THAT(post.answered, HasSubstr("\r\nAllow: GET\r\n"));
}

// [RFC6455 4.2.2] Whatever is refused closes the connection: nothing after it is looked at
TEST(WebSocketUpgrade, ARefusalIsFinal) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.send(changed("Version: 13", "Version: 12") + text_frame("SIP")), Outcome::refused);
  EXPECT_THAT(client.take_answered(), HasSubstr("\r\nConnection: Upgrade, close\r\n"));
  EXPECT_EQ(client.send(std::string(upgrade_of_rfc7118) + text_frame("SIP")), Outcome::refused);
  EXPECT_EQ(client.send(""), Outcome::refused);
  EXPECT_EQ(client.socket.refusal(), "Sec-WebSocket-Version is not 13. It says \"12\".");
  EXPECT_FALSE(client.socket.in_progress());
  EXPECT_FALSE(client.socket.write("SIP", client.answered));
  client.socket.close(CloseCode::going_away, "", client.answered);
  EXPECT_EQ(client.answered, "");
  EXPECT_TRUE(client.messages.empty());
}

// [RFC9112 2.2] [threats 3] What is no HTTP, or HTTP that two readers could read in two ways, is refused
TEST(WebSocketUpgrade, WhatIsNotStrictlyHttpIsRefused) {
  const std::string no_http = "400 This is no HTTP request.";
  EXPECT_EQ(verdict_on("REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n"), no_http);
  EXPECT_EQ(verdict_on(changed("GET /", "GET")), no_http);
  EXPECT_EQ(verdict_on(changed("HTTP/1.1", "HTTP/11")), no_http);
  EXPECT_EQ(verdict_on(changed("GET", "BREW")), no_http);
  EXPECT_EQ(verdict_on("\r\n" + std::string(upgrade_of_rfc7118)), no_http);
  const std::string malformed = "400 The request has a malformed header field.";
  EXPECT_EQ(verdict_on(changed("Host:", "Host :")), malformed);
  EXPECT_EQ(verdict_on(changed("Host:", " Host:")), malformed);
  EXPECT_EQ(verdict_on(changed("Host: sip", "Host:\r\n sip")), malformed);
  EXPECT_EQ(verdict_on(changed("Host: ", ": ")), malformed);
  EXPECT_EQ(verdict_on(changed("Host: sip-ws.example.com", "sip ws")), malformed);
  const std::string control = "400 The request has a control character in it.";
  EXPECT_EQ(verdict_on(changed("Host: sip", std::string_view("Host: s\0ip", 10))), control);
  EXPECT_EQ(verdict_on(changed("Host: sip", "Host: \x1b[31m")), control);
  EXPECT_EQ(verdict_on(changed("example.com\r\nUpgrade", "example.com\nUpgrade")), control);
  EXPECT_EQ(verdict_on(changed("GET / ", "GET /\r ")), control);
}

// [threats 3] Other protocols on the port are told by their first octets, not by a time-out
TEST(WebSocketUpgrade, OtherProtocolsAreToldAtOnce) {
  for (const std::string_view first :
       {"\x16\x03\x01", "SIP/2.0 200 OK", "\r\n", "get / http/1.1", " GET", "\x80", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
    EXPECT_EQ(verdict_on(first), "400 This is no HTTP request.") << first;
  EXPECT_EQ(verdict_on("G"), "waits");
  EXPECT_EQ(verdict_on("GET \x16"), "waits");
}

// [threats 73] Ten thousand header fields, or a request without end, is refused at 64 fields and 8 KiB
TEST(WebSocketUpgrade, HeaderFieldsAndSizeAreBounded) {
  const auto padded = [](std::size_t count, std::string_view line) {
    std::string more = "\r\n";
    for (std::size_t i = 0; i < count; ++i) more += line;
    return changed("\r\n\r\n", more + "\r\n");
  };
  EXPECT_EQ(verdict_on(padded(max_upgrade_fields - 7, "A: 1\r\n")), "101");
  EXPECT_EQ(verdict_on(padded(max_upgrade_fields - 6, "A: 1\r\n")), "431 The request has too many header fields.");
  EXPECT_EQ(verdict_on(padded(10'000, "A: 1\r\n")), "431 The request is too long.");

  const std::size_t room = max_upgrade_size - upgrade_of_rfc7118.size() - 5;
  const auto long_by = [&](std::size_t size) { return padded(1, "A: " + std::string(size, 'x') + "\r\n"); };
  EXPECT_EQ(long_by(room).size(), max_upgrade_size);
  EXPECT_EQ(verdict_on(long_by(room)), "101");
  EXPECT_EQ(verdict_on(long_by(room + 1)), "431 The request is too long.");
  EXPECT_EQ(verdict_on("GET /" + std::string(max_upgrade_size, 'x')), "431 The request is too long.");
}

// [RFC6455 4.2] However a request is cut, the same comes of it
TEST(WebSocketUpgrade, OctetByOctetIsTheSame) {
  const std::string huge = "GET /" + std::string(2 * max_upgrade_size, 'x');
  for (const std::string& request : {std::string(upgrade_of_rfc7118), changed("Version: 13", "Version: 9"),
                                     changed("Host:", "Host :"), huge, std::string("\x16\x03\x01 no HTTP\r\n\r\n"),
                                     std::string("GET / HTTP/1.1\r\n\r\n"), changed("sip-ws", "\n\n")}) {
    WebSocketClientForTest whole, pieces;
    EXPECT_EQ(whole.send(request), pieces.send(request, 1));
    EXPECT_EQ(whole.answered, pieces.answered);
    EXPECT_EQ(whole.socket.refusal(), pieces.socket.refusal());
    EXPECT_EQ(whole.opened, pieces.opened);
  }
}

// [threats 73] What a client writes comes into the log escaped, and not into our answer
TEST(WebSocketUpgrade, NothingOfTheClientIsRepeatedUnescaped) {
  WebSocketClientForTest client(WebSocketRules{.max_message_size = 100, .origins = {"https://phone.example.test"}});
  EXPECT_EQ(client.send(changed("http://www.example.com", "\"<script>\xff\"")), Outcome::refused);
  EXPECT_EQ(client.socket.refusal(), "This Origin is not allowed. It says \"\\\"<script>\\xff\\\"\".");
  EXPECT_THAT(client.answered, Not(HasSubstr("script")));
  EXPECT_THAT(client.answered, StartsWith("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"));
}

}  // namespace
}  // namespace bellhop::transport
