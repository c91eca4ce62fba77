#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/wire.hpp"

namespace bellhop::net {

/// For tests: a WireHandler that writes down what it is told, and lets a test react. A line is the event and what it
/// carried ("datagram hello", "closed reset"); streams are named by the order in which they were first heard of.
class RecordingHandler : public WireHandler {
 public:
  explicit RecordingHandler(Wire& on) : wire(on) { wire.set_handler(*this); }

  void on_datagram(SocketId socket, const Endpoint& from, std::string_view octets, TimePoint now) override {
    add(fmt::format("datagram {}", octets), now);
    last_from = from;
    if (datagram) datagram(socket, from, octets);
  }
  void on_unreachable(SocketId, const Endpoint& to, TimePoint now) override {
    add(fmt::format("unreachable {}", to.to_string()), now);
  }
  void on_accept(SocketId, StreamId stream, const Endpoint& local, const Endpoint& remote, TimePoint now) override {
    streams.push_back(stream);
    last_local = local;
    last_from = remote;
    add("accept", now);
    if (opened) opened(stream);
  }
  void on_connected(StreamId stream, const Endpoint& local, TimePoint now) override {
    streams.push_back(stream);
    last_local = local;
    add("connected", now);
    if (opened) opened(stream);
  }
  void on_stream_data(StreamId stream, std::string_view octets, TimePoint now) override {
    received.append(octets);
    add(fmt::format("data {}", octets.size() > 40 ? "..." : octets), now);
    if (data) data(stream, octets);
  }
  void on_closed(StreamId stream, CloseReason reason, TimePoint now) override {
    add(fmt::format("closed {}", name_of(reason)), now);
    if (closed) closed(stream, reason);
  }
  void on_wake(TimePoint now) override {
    add("wake", now);
    if (woken) woken();
  }
  void on_turn(TimePoint now) override {
    ++turns;
    last_turn = now;
    if (turn) turn(now);
  }
  [[nodiscard]] TimePoint next_deadline() const override { return deadline; }

  Wire& wire;
  std::vector<std::string> lines;
  std::vector<TimePoint> times;  ///< of the lines
  std::vector<StreamId> streams;
  std::string received;  ///< all stream data
  Endpoint last_from, last_local;
  TimePoint deadline = never, last_turn{};
  int turns = 0;

  std::function<void(SocketId, const Endpoint&, std::string_view)> datagram;
  std::function<void(StreamId)> opened;
  std::function<void(StreamId, std::string_view)> data;
  std::function<void(StreamId, CloseReason)> closed;
  std::function<void()> woken;
  std::function<void(TimePoint)> turn;

 private:
  void add(std::string line, TimePoint now) {
    lines.push_back(std::move(line));
    times.push_back(now);
  }
};

}  // namespace bellhop::net
