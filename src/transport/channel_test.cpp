#include "transport/channel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "crypto/self_signed.hpp"

namespace bellhop::transport {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string options =
    "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKa\r\nContent-Length: 4\r\n\r\nbody";
constexpr sip::Limits limits{};
constexpr std::size_t no_limit = 1 << 20;
const TimePoint now{seconds(1'800'000'000)};

/// One end of a channel: what it wrote and what it heard.
struct Ear final : Channel::Ends {
  void write(std::string_view octets) override { wire += octets; }
  bool on_message(std::string_view octets) override {
    messages.emplace_back(octets);
    if (channel != nullptr && !answer.empty()) channel->send(answer, no_limit, *this);
    return wants_more;
  }
  void on_unframed(std::string_view, const sip::ParseRefusal& refusal) override { unframed = refusal.reason; }
  void on_keepalive() override { ++keepalives; }
  void on_open() override { ++opened; }

  std::string take() { return std::exchange(wire, {}); }

  Channel* channel = nullptr;
  std::string wire, unframed, answer;
  std::vector<std::string> messages;
  bool wants_more = true;
  int opened = 0, keepalives = 0;
};

std::shared_ptr<const crypto::TlsContext> context() {
  static const auto made = [] {
    const auto pair = crypto::make_self_signed({"example.test", "127.0.0.1"}, hours(24 * 365 * 20));
    crypto::TlsSettings settings;
    settings.identity = crypto::TlsIdentity::from_pem(pair.certificate, pair.key).value();
    return crypto::TlsContext::build(settings).value();
  }();
  return made;
}

/// A server's channel and a client's, with the wire between them.
struct Line {
  explicit Line(sip::Transport transport)
      : server(transport, rules, crypto::TlsSession::accept(context(), {}, now)),
        client(sip::Transport::tls, rules, crypto::TlsSession::connect(context(), {"example.test", false}, now, at_client.wire)) {
    at_server.channel = &server;
    at_client.channel = &client;
  }
  /// Carries octets both ways until both are silent, `step` at a time.
  void run(std::size_t step = 1 << 20) {
    while (!at_client.wire.empty() || !at_server.wire.empty()) {
      carry(at_client, server, at_server, step);
      carry(at_server, client, at_client, step);
    }
  }
  static void carry(Ear& from, Channel& to, Ear& ear, std::size_t step) {
    const std::string octets = from.take();
    for (std::size_t at = 0; at < octets.size(); at += step) (void)to.receive(std::string_view(octets).substr(at, step), limits, ear);
  }

  WebSocketRules rules;
  Ear at_server, at_client;
  Channel server, client;
};

// [RFC3261 18.3] Over TCP messages are cut by Content-Length, however the network cut them.
TEST(Channel, CutsAStreamIntoMessagesByContentLength) {
  const WebSocketRules rules;
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    Channel channel(sip::Transport::tcp, rules);
    Ear ear;
    const std::string octets = options + options;
    for (std::size_t at = 0; at < octets.size(); at += step)
      EXPECT_EQ(channel.receive(std::string_view(octets).substr(at, step), limits, ear), Channel::Verdict::go_on);
    EXPECT_THAT(ear.messages, ElementsAre(options, options)) << step;
    EXPECT_FALSE(channel.incomplete());
  }
}

// [RFC5626 4.4.1] A double CRLF is answered with one.
TEST(Channel, AnswersAPing) {
  const WebSocketRules rules;
  Channel channel(sip::Transport::tcp, rules);
  Ear ear;
  EXPECT_EQ(channel.receive("\r\n\r\n", limits, ear), Channel::Verdict::go_on);
  EXPECT_EQ(ear.wire, "\r\n");
  EXPECT_EQ(ear.keepalives, 1);
}

// [RFC3261 18.3] What cannot be framed is told and the connection goes.
TEST(Channel, GivesUpAStreamWithoutBorders) {
  const WebSocketRules rules;
  Channel channel(sip::Transport::tcp, rules);
  Ear ear;
  EXPECT_EQ(channel.receive("OPTIONS sip:a SIP/2.0\r\nContent-Length: many\r\n\r\n", limits, ear), Channel::Verdict::close);
  EXPECT_THAT(ear.unframed, testing::Not(IsEmpty()));
}

// [RFC3261 26.2.1] SIP over TLS: messages pass both ways, and what was said before the handshake ended is not lost.
TEST(Channel, CarriesMessagesOverTls) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20}) {
    Line line(sip::Transport::tls);
    line.at_server.answer = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    EXPECT_FALSE(line.server.open());
    EXPECT_TRUE(line.client.send(options, no_limit, line.at_client)) << "waits for the handshake";
    line.run(step);
    EXPECT_TRUE(line.server.open());
    EXPECT_EQ(line.at_server.opened, 1);
    EXPECT_THAT(line.at_server.messages, ElementsAre(options));
    EXPECT_THAT(line.at_client.messages, ElementsAre(line.at_server.answer));
  }
}

// [threats 69] A peer whose handshake does not end makes us keep no more than the limit.
TEST(Channel, HoldsNoMoreThanTheLimitBeforeTheHandshakeEnds) {
  Line line(sip::Transport::tls);
  EXPECT_TRUE(line.client.send(options, 2 * options.size(), line.at_client));
  EXPECT_TRUE(line.client.send(options, 2 * options.size(), line.at_client));
  EXPECT_FALSE(line.client.send(options, 2 * options.size(), line.at_client));
}

// [RFC3261 26.2.1] Plain SIP at a TLS port is refused with a sentence that says so.
TEST(Channel, SaysWhenPlainSipArrivesAtATlsPort) {
  Line line(sip::Transport::tls);
  EXPECT_EQ(line.server.receive(options, limits, line.at_server), Channel::Verdict::refuse);
  EXPECT_THAT(line.server.fault(), HasSubstr("not TLS"));
  EXPECT_THAT(line.at_server.messages, IsEmpty());
}

// [RFC7118 4.2] Over wss: upgrade inside TLS, then one SIP message per WebSocket message; answers come behind the upgrade's.
TEST(Channel, CarriesMessagesOverASecureWebSocket) {
  Line line(sip::Transport::wss);
  line.at_server.answer = "SIP/2.0 200 OK\r\n\r\n";
  line.run();
  ASSERT_TRUE(line.client.open());
  EXPECT_FALSE(line.server.open()) << "the upgrade is missing";
  const std::string upgrade =
      "GET / HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
  const std::string sip = "OPTIONS sip:example.test SIP/2.0\r\n\r\n";
  std::string frame = {'\x81', static_cast<char>(0x80 | sip.size())};
  frame += std::string(4, '\0') + sip;  // the mask of four zeros changes nothing
  // The client's channel is a plain TLS one: what it sends are the octets of HTTP and WebSocket.
  EXPECT_TRUE(line.client.send(upgrade + frame, no_limit, line.at_client));
  Line::carry(line.at_client, line.server, line.at_server, 1 << 20);
  EXPECT_EQ(line.at_server.opened, 1);
  EXPECT_THAT(line.at_server.messages, ElementsAre(sip));
  EXPECT_TRUE(line.server.open());
}

// [RFC5246 7.2.1] A peer that says goodbye ends the channel in good order.
TEST(Channel, EndsWhenThePeerSaysGoodbye) {
  Line line(sip::Transport::tls);
  line.run();
  line.client.close(line.at_client);
  EXPECT_EQ(line.server.receive(line.at_client.take(), limits, line.at_server), Channel::Verdict::close);
}

}  // namespace
}  // namespace bellhop::transport
