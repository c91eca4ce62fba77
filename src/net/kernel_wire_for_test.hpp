#pragma once

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/clock.hpp"
#include "net/kernel_socket.hpp"
#include "net/kernel_wire.hpp"
#include "net/recording_handler.hpp"

namespace bellhop::net {

inline const Endpoint loopback4 = *Endpoint::parse("127.0.0.1:0"), loopback6 = *Endpoint::parse("[::1]:0");
constexpr std::size_t plenty = 1 << 24;

/// A wire whose loop runs in the test until what is awaited has happened; a minute without it fails.
class KernelWireTest : public ::testing::Test {
 protected:
  /// Not shared, else the kernel may give two of them one port.
  SocketId open(const Endpoint& where, const SocketOptions& options = {.shared = false}) {
    return wire->open_datagram(where, options).value();
  }
  SocketId listen(const Endpoint& where) { return wire->listen_stream(where, {}).value(); }
  Endpoint at(SocketId socket) const { return wire->local_endpoint(socket); }

  void run_until(const std::function<bool()>& done) {
    heard.deadline = clock_now() + 60s;
    heard.turn = [&](TimePoint now) {
      timed_out = now >= heard.deadline;
      if (done() || timed_out) wire->stop();
    };
    heard.closed = [&](StreamId, CloseReason) { wire->wake(); };  // comes after on_turn: look once more
    wire->wake();
    wire->run();
    heard.turn = nullptr;
    ASSERT_FALSE(timed_out) << "what was awaited has not happened";
  }
  [[nodiscard]] bool has(const std::string& line) const {
    return std::find(heard.lines.begin(), heard.lines.end(), line) != heard.lines.end();
  }
  void run_until_line(const std::string& line) {
    run_until([&] { return has(line); });
  }
  std::uint64_t counter(std::string_view name) { return metrics.counter(name).value(); }

  observe::Metrics metrics;
  std::unique_ptr<KernelWire> wire = KernelWire::create(metrics);
  RecordingHandler heard{*wire};
  bool timed_out = false;
};

/// The other side, as a plain blocking socket.
class Peer {
 public:
  explicit Peer(int kind, bool v6 = false) : socket_(::socket(v6 ? AF_INET6 : AF_INET, kind, 0)) {}
  [[nodiscard]] const Descriptor& socket() const { return socket_; }
  bool connect(const Endpoint& to) {
    KernelAddress address;
    const socklen_t length = to_kernel(to, address);
    return ::connect(socket_.get(), &address.any, length) == 0;
  }
  void send(std::string_view octets) {
    ASSERT_EQ(::send(socket_.get(), octets.data(), octets.size(), 0), static_cast<ssize_t>(octets.size()));
  }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
  }
  void close() { socket_.reset(); }
  void shut() { ::shutdown(socket_.get(), SHUT_WR); }
  /// Everything until the other side closes.
  std::string read_all() {
    std::string all;
    char buffer[65536];
    for (ssize_t n; (n = ::recv(socket_.get(), buffer, sizeof buffer, 0)) > 0;)
      all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

 private:
  Descriptor socket_;
};

}  // namespace bellhop::net
