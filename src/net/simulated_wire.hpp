#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/simulated_network.hpp"

namespace bellhop::net {

/// The wire of one party in a SimulatedNetwork. The first part is what its shard calls (net/wire.hpp), the second what
/// the network calls when something arrives. Whatever a handler must not hear from within a call of its own (on_closed,
/// data after pause(false)) is put off to the end of the turn or to an event of the same time.
class SimulatedWire final : public Wire {
 public:
  explicit SimulatedWire(std::shared_ptr<SimulatedNetwork> network);
  ~SimulatedWire() override;

  void set_handler(WireHandler& handler) override { handler_ = &handler; }
  Result<SocketId, OpenError> open_datagram(const Endpoint& local, const SocketOptions& options) override;
  Result<SocketId, OpenError> listen_stream(const Endpoint& local, const SocketOptions& options) override;
  Endpoint local_endpoint(SocketId socket) const override;
  void close_socket(SocketId socket) override;
  void send_datagram(SocketId socket, const Endpoint& to, std::string_view octets) override;
  StreamId connect(const Endpoint& remote, const std::optional<IpAddress>& local,
                   const SocketOptions& options) override;
  bool send_stream(StreamId id, std::string_view octets, std::size_t limit) override;
  void close(StreamId id, Duration linger) override;
  void set_keepalive(StreamId id, Duration interval) override;
  void pause(StreamId id, bool paused) override;
  IpAddress source_address_for(const IpAddress& remote) override;
  TimePoint now() const override { return network_->now(); }
  void wake() override { woken_.store(true); }

  /// For tests of overload: what a busy kernel would say.
  void set_queue_delay(Duration delay) { queue_delay_ = delay; }

  [[nodiscard]] TimePoint next_turn() const;
  void turn();
  void datagram_arrives(SocketId socket, const Endpoint& from, std::string_view octets);
  void unreachable_arrives(SocketId socket, const Endpoint& to);
  void set_silent(const IpAddress& address, bool silent);
  void break_streams(const IpAddress& a, const IpAddress& b);

 private:
  using WireNumber = SimulatedNetwork::WireNumber;
  using StreamEvent = void (SimulatedWire::*)(StreamId);

  struct Socket {
    SimulatedNetwork::Addresses* addresses = nullptr;  ///< null once closed
    Endpoint local;
    bool shared = false;
  };

  /// One end of a connection.
  struct Stream {
    enum class State : std::uint8_t { connecting, open, closing, ended };
    State state = State::connecting;
    bool paused = false;
    bool peer_has_closed = false;  ///< its FIN came; told once `unread` has been given
    WireNumber peer_wire = 0;
    StreamId peer;  ///< invalid until the connection request has arrived
    Endpoint local, remote;
    std::string unsent;          ///< waiting for the connection or for the peer to read
    std::size_t in_network = 0;  ///< sent but not yet read by the peer
    TimePoint last_arrival{};    ///< of what we sent: nothing may overtake it
    std::string unread;          ///< arrived, but we are paused or one of the two is silent
    Duration keepalive{};
  };

  [[nodiscard]] Result<SocketId, OpenError> open(SimulatedNetwork::Addresses& addresses, const Endpoint& local,
                                                 bool shared);
  [[nodiscard]] Stream* alive(StreamId id);

  void request_arrives(WireNumber from, StreamId peer, const Endpoint& remote, SocketId listener);
  void request_travels(StreamId id);
  void connected(StreamId id);
  void refused(StreamId id) { end(id, CloseReason::refused); }
  void connect_timed_out(StreamId id) { end(id, CloseReason::timed_out); }
  void reset_arrives(StreamId id) { end(id, CloseReason::reset); }
  void fin_arrives(StreamId id);
  void keepalive_gives_up(StreamId id);
  void linger_is_over(StreamId id);
  void data_arrives(StreamId id, std::string_view octets);
  void deliver(StreamId id);
  void peer_has_read(StreamId id, std::size_t octets);
  void push(StreamId id);
  void end(StreamId id, CloseReason reason);

  void later(TimePoint when, WireNumber wire, StreamId id, StreamEvent what);
  void to_peer(Stream& stream, StreamEvent what);
  [[nodiscard]] TimePoint arrival(Stream& stream);
  [[nodiscard]] bool stands_still(const Stream& stream) const;

  std::shared_ptr<SimulatedNetwork> network_;
  WireNumber number_;
  WireHandler* handler_ = nullptr;
  std::vector<Socket> sockets_;
  SlotMap<Stream> streams_;
  std::vector<std::pair<StreamId, CloseReason>> ended_;  ///< on_closed is still owed
  std::atomic<bool> woken_{false};
  bool touched_ = false;  ///< something arrived: a turn is owed
  TimePoint last_turn_ = TimePoint::min();
};

}  // namespace bellhop::net
