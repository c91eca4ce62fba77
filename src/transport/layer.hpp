#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "config/snapshot.hpp"
#include "guard/guard.hpp"
#include "net/flow.hpp"
#include "net/timer.hpp"
#include "net/wire.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "sip/framing.hpp"
#include "transport/channel.hpp"
#include "transport/connections.hpp"
#include "transport/target.hpp"

namespace bellhop::transport {

/// Who hears what transport received: the shard.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// One whole SIP message: a datagram, or a piece of a stream cut by Content-Length. Valid until it returns.
  virtual void on_message(const net::Flow& from, std::string_view octets, TimePoint now) = 0;
  /// A stream that cannot be framed any more; it is closed when this returns. `octets` hold the header block so far:
  /// the receiver may answer 400 or 513.
  virtual void on_unframed(const net::Flow& from, std::string_view octets, const sip::ParseRefusal& refusal,
                           TimePoint now) = 0;
  /// Nothing can be sent to this flow any more: its connection ended or was never made, or ICMP said so.
  virtual void on_flow_failed(const net::Flow& flow, net::CloseReason reason, TimePoint now) = 0;
  /// A connection ended over which these addresses-of-record had registered (USR-12).
  virtual void on_users_lost(const net::Flow& flow, const std::vector<std::string>& users, TimePoint now) = 0;
  /// Octets for a connection that another shard owns.
  virtual void post_send(const net::Flow& to, std::string_view octets) = 0;
  /// probe() for a connection that another shard owns.
  virtual void post_probe(const net::Flow& flow) = 0;
};

/// SIP on the wire's sockets: listeners, connections with TLS and WebSocket, keep-alives, the guard's early verdict,
/// and the way out.
///
/// Spec    RFC 3261 section 18, RFC 3581, RFC 5626 section 4.4.1 (CRLF keep-alive), RFC 5922, RFC 7118.
/// Owner   one shard. A connection belongs to the shard that accepted or opened it for life (CGP-24..27); others find
/// it in
///         the shared Connections and post their octets here.
/// Memory  an idle connection holds no buffer: octets are framed in the wire's buffer and only an incomplete message is
/// kept.
class Layer {
 public:
  struct Environment {
    net::Wire& wire;
    Receiver& receiver;
    Connections& connections;
    guard::Guard& guard;
    observe::Log& log;
    observe::Metrics& metrics;
    net::TimerWheel& wheel;
    std::uint8_t timer_kind;  ///< top byte of the timer tokens that come back to on_timer()
    std::uint16_t shard;
  };
  Layer(const Environment& environment, config::SnapshotPtr config);
  ~Layer();

  /// Opens every listener of the configuration. The text says which one failed and why.
  [[nodiscard]] Result<void, std::string> open();
  void apply(config::SnapshotPtr config);

  // What the shard passes on from the wire and its timers.
  void on_datagram(net::SocketId socket, const Endpoint& from, std::string_view octets, TimePoint now);
  void on_unreachable(net::SocketId socket, const Endpoint& to, TimePoint now);
  void on_accept(net::SocketId listener, net::StreamId stream, const Endpoint& local, const Endpoint& remote,
                 TimePoint now);
  void on_connected(net::StreamId stream, const Endpoint& local, TimePoint now);
  void on_stream_data(net::StreamId stream, std::string_view octets, TimePoint now);
  void on_closed(net::StreamId stream, net::CloseReason reason, TimePoint now);
  void on_timer(std::uint64_t token, TimePoint now);

  /// Sends over a flow. What cannot be sent, as over a connection of this shard that is gone, ends in on_flow_failed on
  /// the next turn.
  void send(const net::Flow& to, std::string_view octets);
  /// The flow to an address: for UDP one of our sockets of that family (`preferred` if it fits), for streams a
  /// connection that is there already, on any shard, else a new one that is being opened. Nothing when no listener has
  /// this transport and family.
  [[nodiscard]] std::optional<net::Flow> flow_to(const Target& target, std::optional<net::SocketId> preferred,
                                                 TimePoint now);
  /// The same for a response whose connection is gone or not known: RFC 3261 section 18.2.2 goes by the address alone,
  /// whatever the connection there proved.
  [[nodiscard]] std::optional<net::Flow> flow_for_response(const Target& target, std::optional<net::SocketId> preferred,
                                                           TimePoint now);
  /// An address-of-record registered over this connection, which may be another shard's.
  void note_user(const net::Flow& flow, std::string_view aor) { env_.connections.note_user(flow, aor); }
  /// RFC 5923: this TLS connection may carry requests to the port that the peer's Via names.
  void note_alias(const net::Flow& flow, std::uint16_t port) {
    env_.connections.add_alias(flow, {flow.remote.address, port});
  }
  /// An empty line that keeps the NATs on the way open (PAR-10); browsers have pings of their own.
  void ping(const net::Flow& to);
  /// Lets the kernel probe this connection (CGP-72).
  void probe(const net::Flow& flow);
  /// The domains its peer's certificate proved; empty without one.
  [[nodiscard]] std::vector<std::string> identities(const net::Flow& flow) const {
    return env_.connections.identities(flow);
  }
  /// Tells the guard that something speaks against who sent this. `forgeable`: anybody may have sent it in that name.
  void count(guard::Evidence evidence, const net::Flow& from, bool forgeable, std::string_view octets, TimePoint now,
             std::uint64_t as = 0);
  /// Whether the guard judges who sent this: neither the rules nor the operator exempt it.
  [[nodiscard]] bool judges(const net::Flow& from, TimePoint now) const {
    return env_.guard.judges(from.remote.address, rules_, now);
  }
  /// Tells the guard that who sent this has authenticated.
  void authenticated(const net::Flow& from, TimePoint now, std::uint64_t as = 0) {
    env_.guard.authenticated(from.remote.address, rules_, now, as);
  }
  /// The [[peer]] at the other end, known by its address or by what its certificate proved; null: none. A view into
  /// the configuration.
  [[nodiscard]] const config::Peer* peer_of(const net::Flow& flow) const;
  /// Whether some listener has this transport and family.
  [[nodiscard]] bool can_reach(sip::Transport transport, const IpAddress& remote) const;
  /// Whether a connection stored in a binding can still be there.
  [[nodiscard]] bool is_alive(const net::Flow& flow) const;

  /// "host:port" for Via and Record-Route of what leaves over this flow: what the peer's zone shall see, else the
  /// advertised address, else the listener's, else (for a listener on all addresses) the address the kernel uses
  /// towards the peer.
  void append_sent_by(std::string& out, const net::Flow& flow) const;

 private:
  struct Connection;
  struct Listener;
  Connection* find(net::StreamId stream) const;
  [[nodiscard]] Connection* find_usable(net::StreamId stream) const;
  [[nodiscard]] net::Flow datagram_flow(net::SocketId socket, const Endpoint& remote);
  [[nodiscard]] IpAddress local_address_for(const IpAddress& remote, TimePoint now) const;
  [[nodiscard]] std::optional<net::SocketId> listener_for(const Target& target,
                                                          std::optional<net::SocketId> preferred) const;
  [[nodiscard]] std::optional<net::Flow> open_stream(const Target& target, net::SocketId listener, TimePoint now);
  [[nodiscard]] bool admit(const IpAddress& remote, TimePoint now);
  void adopt(net::StreamId stream, std::unique_ptr<Connection> connection, TimePoint now);
  class Ends;
  [[nodiscard]] std::optional<Channel> accepted_channel(net::SocketId listener, TimePoint now) const;
  [[nodiscard]] std::optional<Channel> opened_channel(const Target& target, TimePoint now, std::string& hello) const;
  void on_open(Connection& connection, TimePoint now);
  void on_bad_handshake(const Connection& connection, TimePoint now);
  [[nodiscard]] bool send_over(Connection& connection, std::string_view octets);
  void end(Connection& connection, Duration linger);
  void forget(const net::Flow& flow, TimePoint now);
  void look_after(Connection& connection, TimePoint now);
  [[nodiscard]] bool guarded(const net::Flow& from, std::string_view octets, TimePoint now);
  void arm(Connection& connection, TimePoint now);

  Environment env_;
  config::SnapshotPtr config_;
  guard::Rules rules_;
  sip::Limits limits_;
  WebSocketRules websocket_rules_;
  std::vector<Listener> listeners_;                       ///< by SocketId
  std::vector<std::unique_ptr<Connection>> connections_;  ///< by StreamId::index
  struct LocalAddress {
    IpAddress remote, local;
    TimePoint until{};
  };
  mutable std::vector<LocalAddress> local_addresses_;  ///< small direct-mapped cache
  observe::Counter& keepalives_;
  observe::Counter& rejected_connections_;
  observe::Counter& timed_out_connections_;
  observe::Counter& tls_handshakes_;
  observe::Counter& tls_resumed_;
  observe::Counter& handshake_failures_;
  std::string stun_answer_;
};

}  // namespace bellhop::transport
