#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "admin/commands.hpp"
#include "admin/http_request.hpp"
#include "net/wire.hpp"
#include "observe/metrics.hpp"

namespace bellhop::admin {

/// The HTTP side of the server: console, read-only API and metrics, for loopback only.
///
///   GET /                        the console (web/, embedded at build time)
///   GET /metrics                 Prometheus text
///   GET /api/v1/bindings/list?filter=alice   the read-only commands, as JSON
///
/// Safety   GET and HEAD only; Host must name loopback, so that no web page can reach us by DNS rebinding; no CORS; a
///          strict Content-Security-Policy; limits on connections, request size, time and output.
/// Owner    a wire and a thread of its own, never a shard: commands may wait for the shards' answers.
class HttpServer final : public net::WireHandler {
 public:
  struct Limits {
    std::size_t connections = 64;
    std::size_t request = 16 * 1024;        ///< octets of one request
    std::size_t output = 64 * 1024 * 1024;  ///< octets waiting for a reader
    Duration request_time = seconds(10);    ///< for a request that has begun
    Duration idle_time = seconds(60);       ///< between requests
  };
  using Collect = std::function<observe::Metrics::Values()>;

  /// Sets itself as the wire's handler; wire and commands outlive this.
  HttpServer(net::Wire& wire, const Commands& commands, Collect collect, const Limits& limits);
  Result<net::SocketId, net::OpenError> open(const Endpoint& address);

  void on_datagram(net::SocketId, const Endpoint&, std::string_view, TimePoint) override {}
  void on_unreachable(net::SocketId, const Endpoint&, TimePoint) override {}
  void on_accept(net::SocketId, net::StreamId stream, const Endpoint&, const Endpoint&, TimePoint now) override;
  void on_connected(net::StreamId, const Endpoint&, TimePoint) override {}
  void on_stream_data(net::StreamId stream, std::string_view octets, TimePoint now) override;
  void on_closed(net::StreamId stream, net::CloseReason, TimePoint) override;
  void on_wake(TimePoint) override {}
  void on_turn(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;

 private:
  struct Connection {
    HttpReader reader;
    TimePoint deadline;
    bool closing = false;
  };
  struct Response {
    int status = 200;
    std::string_view type = "application/json";
    std::string body;
  };

  [[nodiscard]] Response answer(const HttpRequest& request) const;
  [[nodiscard]] Response answer_api(const HttpRequest& request) const;
  void send(net::StreamId stream, const Response& response, bool head_only, bool keep_alive);
  void refuse(net::StreamId stream, Connection& connection, int status, std::string_view why);

  net::Wire& wire_;
  const Commands& commands_;
  Collect collect_;
  Limits limits_;
  std::map<std::uint64_t, Connection> connections_;  ///< by stream
};

/// Prometheus text of all counters ("_total") and gauges, names with the prefix "bellhop_".
[[nodiscard]] std::string prometheus_text(const observe::Metrics::Values& values);

/// "localhost", 127.0.0.0/8 or [::1], with or without port.
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// A file of web/ by its path; nothing when there is none of this name.
struct Asset {
  std::string_view path, type, body;
};
[[nodiscard]] const Asset* find_asset(std::string_view path);

}  // namespace bellhop::admin
