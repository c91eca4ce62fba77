#include "transport/layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/tls_context.hpp"
#include "transport/websocket_client_for_test.hpp"

namespace bellhop::transport {
namespace {

using sip::Transport;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr TimePoint start{seconds(1'700'000'000)};

/// A wire that nothing is at the other end of: it writes down what a layer does with it.
class SilentWire final : public net::Wire {
 public:
  void set_handler(net::WireHandler&) override {}
  Result<net::SocketId, net::OpenError> open_datagram(const Endpoint& local, const net::SocketOptions&) override {
    return opened(local);
  }
  Result<net::SocketId, net::OpenError> listen_stream(const Endpoint& local, const net::SocketOptions&) override {
    return opened(local);
  }
  Endpoint local_endpoint(net::SocketId socket) const override { return sockets_[socket]; }
  void close_socket(net::SocketId) override {}
  void send_datagram(net::SocketId, const Endpoint&, std::string_view) override {}
  net::StreamId connect(const Endpoint&, const std::optional<IpAddress>&, const net::SocketOptions&) override {
    connected.push_back(new_stream());
    return connected.back();
  }
  bool send_stream(net::StreamId stream, std::string_view octets, std::size_t) override {
    if (full) return false;
    sent.emplace_back(stream, octets);
    return true;
  }
  void close(net::StreamId stream, Duration) override { closed.push_back(stream); }
  void set_keepalive(net::StreamId, Duration) override {}
  void pause(net::StreamId, bool) override {}
  IpAddress source_address_for(const IpAddress&) override { return *IpAddress::parse("192.0.2.1"); }
  TimePoint now() const override { return time; }
  void wake() override {}

  net::StreamId new_stream() { return {++streams_, 1}; }

  TimePoint time = start;
  bool full = false;
  std::vector<net::StreamId> connected, closed;
  std::vector<std::pair<net::StreamId, std::string>> sent;

 private:
  net::SocketId opened(const Endpoint& local) {
    sockets_.push_back(local);
    return static_cast<net::SocketId>(sockets_.size() - 1);
  }
  std::vector<Endpoint> sockets_;
  std::uint32_t streams_ = 0;
};

/// A layer with the listeners tcp (0), ws (1) and tls (2), and all that it tells.
class Layers : public testing::Test, protected Receiver {
 protected:
  Layers() : layer({wire, *this, connections, guard, log, metrics, wheel, 7, 0}, config_of(seconds(30))) {
    EXPECT_TRUE(layer.open());
  }

  static config::SnapshotPtr config_of(Duration ping_interval) {
    auto config = std::make_shared<config::Snapshot>();
    const Endpoint address = *Endpoint::parse("192.0.2.1:5060");
    for (const Transport transport : {Transport::tcp, Transport::ws, Transport::tls})
      config->listen.push_back({transport, address, "", {}});
    config->guard.flood = false;
    config->websocket.ping_interval = ping_interval;
    const auto context = crypto::TlsContext::build({});
    EXPECT_TRUE(context);
    if (context) config->tls_context = *context;
    return config;
  }

  net::Flow accept(net::SocketId listener, Transport transport, const char* remote) {
    net::Flow flow;
    flow.transport = transport;
    flow.socket = listener;
    flow.stream = wire.new_stream();
    flow.local = wire.local_endpoint(listener);
    flow.remote = *Endpoint::parse(remote);
    layer.on_accept(listener, flow.stream, flow.local, flow.remote, wire.time);
    return flow;
  }
  void hear(const net::Flow& flow, std::string_view octets) { layer.on_stream_data(flow.stream, octets, wire.time); }
  void pass(Duration duration) {
    wire.time += duration;
    wheel.advance(wire.time, [&](std::uint64_t token) { layer.on_timer(token & 0x00ffffffffffffff, wire.time); });
  }
  static Target tls_target(std::string server_name) {
    return {Transport::tls, *Endpoint::parse("198.51.100.7:5061"), true, std::move(server_name)};
  }

  void on_message(const net::Flow&, std::string_view octets, TimePoint) override { heard.emplace_back(octets); }
  void on_unframed(const net::Flow&, std::string_view, const sip::ParseRefusal&, TimePoint) override {}
  void on_flow_failed(const net::Flow&, net::CloseReason, TimePoint) override {}
  void on_users_lost(const net::Flow&, const std::vector<std::string>& users, TimePoint) override {
    lost.insert(lost.end(), users.begin(), users.end());
  }
  void post_send(const net::Flow& to, std::string_view octets) override {
    EXPECT_EQ(octets, "") << "there is no other shard";
    failed.push_back(to);
  }
  void post_probe(const net::Flow&) override {}

  SilentWire wire;
  Connections connections;
  observe::Metrics metrics;
  guard::Guard guard{metrics, 1};
  observe::Log log{observe::null_sink()};
  net::TimerWheel wheel{start};
  Layer layer;
  std::vector<std::string> heard, lost;
  std::vector<net::Flow> failed;
};

constexpr std::string_view options =
    "OPTIONS sip:peer.example.test SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n\r\n";

// ---- pings of browsers

struct Browsers : Layers {
  net::Flow browser() {
    const net::Flow flow = accept(1, Transport::ws, "198.51.100.9:40000");
    hear(flow, upgrade_of_rfc7118);
    wire.sent.clear();
    return flow;
  }
};

// [RFC6455 5.5.2] A reload that turns the pings off disconnects nobody
TEST_F(Browsers, StayWhenPingsAreTurnedOff) {
  browser();
  layer.apply(config_of(seconds(0)));
  for (int i = 0; i < 10; ++i) pass(seconds(60));
  EXPECT_THAT(wire.closed, IsEmpty());
  EXPECT_THAT(wire.sent, IsEmpty());
}

// [RFC6455 5.5.2] One that came while there were no pings gets them after a reload that turns them on, and is gone when
// it does not answer
TEST_F(Browsers, ArePingedAfterPingsAreTurnedOn) {
  layer.apply(config_of(seconds(0)));
  const net::Flow flow = browser();
  pass(seconds(300));
  ASSERT_THAT(wire.sent, IsEmpty());
  layer.apply(config_of(seconds(30)));
  pass(seconds(1));
  ASSERT_THAT(wire.sent, SizeIs(1));
  EXPECT_EQ(wire.sent[0].second, server_frame(0x89, ""));
  EXPECT_THAT(wire.closed, IsEmpty());
  pass(seconds(31));
  EXPECT_THAT(wire.closed, ElementsAre(flow.stream));
}

// ---- connections that end

// [RFC3261 18.4] Nothing is written into a connection that is closing; who wanted to is told
TEST_F(Layers, TellsOfWhatAClosingConnectionDoesNotTake) {
  const net::Flow flow = accept(0, Transport::tcp, "198.51.100.9:40000");
  layer.note_user(flow, "alice@example.test");
  hear(flow, "\x01 this is not SIP");
  ASSERT_THAT(wire.closed, ElementsAre(flow.stream));
  EXPECT_FALSE(connections.holds(flow)) << "nobody is to find it any more";
  EXPECT_THAT(lost, ElementsAre("alice@example.test"));
  layer.send(flow, options);
  EXPECT_THAT(wire.sent, IsEmpty());
  EXPECT_THAT(failed, ElementsAre(flow));

  layer.on_closed(flow.stream, net::CloseReason::by_us, wire.time);
  EXPECT_THAT(lost, SizeIs(1)) << "told once";
  EXPECT_EQ(connections.size(), 0u);
}

// [RFC3261 18.4] What the wire refuses has failed
TEST_F(Layers, TellsOfWhatTheWireRefuses) {
  const net::Flow flow = accept(0, Transport::tcp, "198.51.100.9:40000");
  wire.full = true;
  layer.send(flow, options);
  EXPECT_THAT(failed, ElementsAre(flow));
}

// [RFC3261 18.2.2] A connection that is gone is replaced by another one from the same address
TEST_F(Layers, SendsOverTheNextConnectionFromTheSameAddress) {
  const net::Flow old = accept(0, Transport::tcp, "198.51.100.9:40000");
  layer.on_closed(old.stream, net::CloseReason::by_peer, wire.time);
  const net::Flow young = accept(0, Transport::tcp, "198.51.100.9:40000");
  layer.send(old, options);
  EXPECT_THAT(wire.sent, ElementsAre(std::pair(young.stream, std::string(options))));
  EXPECT_THAT(failed, IsEmpty());
}

// ---- TLS servers

// [RFC5922 7.2] Two domains on one server are asked in turn over two connections, not over a new one each time
TEST_F(Layers, KeepsOneConnectionForEachDomainOfAServer) {
  for (int i = 0; i < 3; ++i)
    for (const char* name : {"one.example.test", "two.example.test"})
      EXPECT_TRUE(layer.flow_to(tls_target(name), std::nullopt, wire.time));
  EXPECT_THAT(wire.connected, SizeIs(2));
}

// [RFC3261 18.2.2] A response takes the connection that leads to its address, whatever domain that one proves; only
// without one it opens another, to the sent-by
TEST_F(Layers, AnswersOverTheConnectionToTheAddress) {
  const auto flow = layer.flow_to(tls_target("one.example.test"), std::nullopt, wire.time);
  ASSERT_TRUE(flow);
  EXPECT_EQ(layer.flow_for_response(tls_target("two.example.test"), std::nullopt, wire.time), flow);

  net::Flow gone = *flow;
  gone.stream = {99, 1};
  gone.remote.port = 40000;
  const std::string_view response =
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS two.example.test:5061;branch=z9hG4bK1\r\n"
      "From: <sip:a@example.test>;tag=1\r\nTo: <sip:b@example.test>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
      "Content-Length: 0\r\n\r\n";
  layer.send(gone, response);
  EXPECT_THAT(wire.connected, SizeIs(1));
  EXPECT_THAT(failed, IsEmpty());

  layer.on_closed(flow->stream, net::CloseReason::by_peer, wire.time);
  layer.send(gone, response);
  EXPECT_THAT(wire.connected, SizeIs(2));
  EXPECT_TRUE(connections.find(Transport::tls, flow->remote, "two.example.test"));
}

}  // namespace
}  // namespace bellhop::transport
