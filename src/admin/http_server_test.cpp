#include "admin/http_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "net/simulation.hpp"

namespace bellhop::admin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A browser in the simulated network: collects what comes back on each connection.
struct Browser : net::WireHandler {
  explicit Browser(net::Simulation& simulation) : wire(simulation.make_wire()) { wire->set_handler(*this); }
  net::StreamId open(const Endpoint& to) { return wire->connect(to, IpAddress::parse("127.0.0.1"), {}); }
  void say(net::StreamId stream, std::string_view octets) { wire->send_stream(stream, octets, 1 << 20); }

  void on_datagram(net::SocketId, const Endpoint&, std::string_view, TimePoint) override {}
  void on_unreachable(net::SocketId, const Endpoint&, TimePoint) override {}
  void on_accept(net::SocketId, net::StreamId, const Endpoint&, const Endpoint&, TimePoint) override {}
  void on_connected(net::StreamId, const Endpoint&, TimePoint) override {}
  void on_stream_data(net::StreamId stream, std::string_view octets, TimePoint) override {
    received[stream.packed()] += octets;
  }
  void on_closed(net::StreamId stream, net::CloseReason, TimePoint now) override { closed[stream.packed()] = now; }
  void on_wake(TimePoint) override {}
  void on_turn(TimePoint) override {}
  [[nodiscard]] TimePoint next_deadline() const override { return never; }

  std::unique_ptr<net::Wire> wire;
  std::map<std::uint64_t, std::string> received;
  std::map<std::uint64_t, TimePoint> closed;
};

struct HttpServerTest : testing::Test {
  HttpServerTest() {
    commands.add({"bindings list", "", "", true, [](const Words& w) -> Reply {
                    Json list = Json::array();
                    for (const std::string& word : w) list.push(word);
                    return list;
                  }});
    commands.add({"drain", "", "", false, [this](const Words&) -> Reply {
                    drained = true;
                    return Json(true);
                  }});
    EXPECT_TRUE(server.open(address));
  }

  std::string ask(std::string_view request) {
    const net::StreamId stream = browser.open(address);
    browser.say(stream, request);
    simulation.run_for(1s);
    last = stream;
    return browser.received[stream.packed()];
  }
  std::string get(std::string_view target, std::string_view host = "localhost:8080") {
    std::string answer = ask("GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    browser.wire->close(last, Duration::zero());
    simulation.run_for(10ms);
    return answer;
  }

  net::StreamId last;  ///< the connection of the last question
  const Endpoint address = *Endpoint::parse("127.0.0.1:8080");
  net::Simulation simulation{1};
  std::unique_ptr<net::Wire> wire = simulation.make_wire();
  Commands commands;
  bool drained = false;
  observe::Metrics metrics;
  HttpServer server{*wire,
                    commands,
                    [this] {
                      observe::Metrics::Values values;
                      metrics.collect(values);
                      return values;
                    },
                    {.connections = 3}};
  Browser browser{simulation};
};

// [contract] GET /api/v1 mirrors the read-only commands as JSON.
TEST_F(HttpServerTest, ReadOnlyCommandsAreAnsweredAsJson) {
  EXPECT_THAT(get("/api/v1/bindings/list?filter=a%20b&x=c+d"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: application/json"),
                    HasSubstr("\r\n\r\n[\"a b\",\"c d\"]\n")));
  EXPECT_THAT(get("/api/v1/nothing"), StartsWith("HTTP/1.1 404"));
}

// [contract] The HTTP side cannot change anything.
TEST_F(HttpServerTest, NothingCanBeChangedOverHttp) {
  EXPECT_THAT(get("/api/v1/drain"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD")));
  EXPECT_FALSE(drained);
}

// [contract] Counters and gauges as Prometheus reads them.
TEST_F(HttpServerTest, MetricsAreShownAsPrometheusReadsThem) {
  metrics.counter("net.udp.received").add(7);
  metrics.gauge("location.bindings").set(3);
  EXPECT_THAT(get("/metrics"),
              AllOf(HasSubstr("# TYPE bellhop_net_udp_received_total counter\n"
                              "bellhop_net_udp_received_total 7\n"),
                    HasSubstr("# TYPE bellhop_location_bindings gauge\nbellhop_location_bindings 3\n")));
}

// [contract] The console is part of the program and may load nothing from elsewhere.
TEST_F(HttpServerTest, TheConsoleIsServedWithAStrictPolicy) {
  EXPECT_THAT(get("/"), AllOf(HasSubstr("Content-Type: text/html"), HasSubstr("<title>Bellhop</title>"),
                              HasSubstr("Content-Security-Policy: default-src 'self'"),
                              HasSubstr("X-Content-Type-Options: nosniff"), Not(HasSubstr("Access-Control-Allow"))));
  EXPECT_THAT(get("/console.js"), HasSubstr("Content-Type: text/javascript"));
  EXPECT_THAT(get("/../etc/passwd"), StartsWith("HTTP/1.1 404"));
}

// [contract] A web page whose name was made to point at us (DNS rebinding) is refused.
TEST_F(HttpServerTest, OnlyLoopbackNamesAreServed) {
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:80", "[::1]:8080", "[::1]"})
    EXPECT_THAT(get("/metrics", host), StartsWith("HTTP/1.1 200")) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "192.0.2.1", "127.0.0.1.evil.example", "::1", "",
                           "localhost:x", "[2001:db8::1]"})
    EXPECT_THAT(get("/metrics", host), StartsWith("HTTP/1.1 421")) << host;
  EXPECT_THAT(ask("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"), StartsWith("HTTP/1.1 421"));
}

// [contract] Several requests on one connection are answered in order.
TEST_F(HttpServerTest, RequestsOnOneConnectionAreAnsweredInOrder) {
  const std::string both =
      ask("GET /api/v1/bindings/list?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
          "HEAD /api/v1/bindings/list?a=2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const auto first = both.find("[\"1\"]"), second = both.find("HTTP/1.1 200", 10);
  EXPECT_LT(first, second);
  EXPECT_THAT(both.substr(second),
              AllOf(HasSubstr("Content-Length: 6"), HasSubstr("Connection: close"), Not(HasSubstr("[\"2\"]"))));
}

// [contract] What is no HTTP, or too much of it, is refused and the connection closed.
TEST_F(HttpServerTest, BadRequestsAreRefusedAndTheConnectionClosed) {
  EXPECT_THAT(ask("OPTIONS sip:x SIP/2.0\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask(std::string("\x16\x03\x01\x02\x00\x01", 6)), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x')), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + std::string(20'000, 'x')),
              StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(browser.closed.size(), 4u);
}

// [contract] A Host behind a chunked body is not the Host of the request.
TEST_F(HttpServerTest, AHostAmongTheTrailersIsNotBelieved) {
  const std::string chunked =
      "GET /metrics HTTP/1.1\r\n{}Transfer-Encoding: chunked\r\n\r\n0\r\nHost: localhost\r\nX: y\r\n\r\n";
  EXPECT_THAT(ask(fmt::format(fmt::runtime(chunked), "")), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask(fmt::format(fmt::runtime(chunked), "Host: evil.test\r\n")), StartsWith("HTTP/1.1 421"));
  EXPECT_THAT(ask(fmt::format(fmt::runtime(chunked), "Host: localhost\r\n")), StartsWith("HTTP/1.1 200"));
}

// [threats 9] A request that does not end is given up.
TEST_F(HttpServerTest, ARequestThatDoesNotEndIsGivenUp) {
  const TimePoint start = simulation.now();
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHo"), "");
  simulation.run_for(20s);
  ASSERT_EQ(browser.closed.size(), 1u);
  EXPECT_THAT(browser.received.begin()->second, StartsWith("HTTP/1.1 408"));
  EXPECT_LT(browser.closed.begin()->second, start + 11s);
}

// [threats 69] Idle connections end, and no more than the limit are kept.
TEST_F(HttpServerTest, IdleConnectionsEndAndTheirNumberIsLimited) {
  for (int i = 0; i < 5; ++i) (void)browser.open(address);
  simulation.run_for(1s);
  EXPECT_EQ(browser.closed.size(), 2u);
  simulation.run_for(70s);
  EXPECT_EQ(browser.closed.size(), 5u);
  EXPECT_THAT(get("/metrics"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace bellhop::admin
