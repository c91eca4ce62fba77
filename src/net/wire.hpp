#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "base/slot.hpp"
#include "base/time.hpp"
#include "net/turn_watch.hpp"

namespace bellhop::net {

/// A UDP socket or a stream listener of one wire: small integers in the order of opening.
using SocketId = std::uint16_t;
/// One TCP connection of one wire.
using StreamId = SlotId;

enum class OpenError : std::uint8_t { address_in_use, address_not_available, permission, other };
[[nodiscard]] std::string_view text_of(OpenError error);

struct SocketOptions {
  std::uint8_t tos = 0;                          ///< IP_TOS / IPV6_TCLASS (CGP-32)
  std::size_t receive_buffer = 8 * 1024 * 1024;  ///< SO_RCVBUF asked for (UDP); the kernel may grant less
  std::size_t send_buffer = 4 * 1024 * 1024;
  bool shared = true;  ///< SO_REUSEPORT: every shard opens the same address
};

enum class CloseReason : std::uint8_t { by_peer, reset, refused, unreachable, timed_out, overflow, by_us };
[[nodiscard]] std::string_view name_of(CloseReason reason);

/// What a wire tells its shard. All calls come on the shard's thread. Octets given to a callback are valid only until
/// it returns.
class WireHandler {
 public:
  virtual ~WireHandler() = default;
  virtual void on_datagram(SocketId socket, const Endpoint& from, std::string_view octets, TimePoint now) = 0;
  /// An ICMP error came back for something sent to `to` (RFC 3261 section 18.4).
  virtual void on_unreachable(SocketId socket, const Endpoint& to, TimePoint now) = 0;
  virtual void on_accept(SocketId listener, StreamId stream, const Endpoint& local, const Endpoint& remote,
                         TimePoint now) = 0;
  virtual void on_connected(StreamId stream, const Endpoint& local, TimePoint now) = 0;
  virtual void on_stream_data(StreamId stream, std::string_view octets, TimePoint now) = 0;
  /// The last word about a stream that was accepted or connected; its id is dead when this returns. Also after
  /// Wire::close(), with by_us.
  virtual void on_closed(StreamId stream, CloseReason reason, TimePoint now) = 0;
  /// wake() was called since the last turn: look into the inbox.
  virtual void on_wake(TimePoint now) = 0;
  /// Called once per turn after everything was read, and when next_deadline() has come.
  virtual void on_turn(TimePoint now) = 0;
  /// The earliest time on_turn() must be called again; `never` when nothing is pending.
  [[nodiscard]] virtual TimePoint next_deadline() const = 0;
  /// A turn lasted longer than longest_turn; `step` is what the watch caught it in, or null.
  virtual void on_long_turn(Duration /*lasted*/, const char* /*step*/) {}
};

/// The only way in and out of a shard (founding decision 2): sockets, time and wake-ups. Two implementations:
/// KernelWire (epoll, recvmmsg/sendmmsg) and SimulatedWire (virtual time, seeded loss, delay and reordering).
///
/// Owner   one shard; every call on its thread, but wake(), which any thread may call.
/// Errors  opening reports errors; sending never does: what cannot be sent is dropped and counted (UDP) or ends in
///         on_closed (streams), which is never called from within a call of the shard's but at the end of the turn.
class Wire {
 public:
  virtual ~Wire() = default;

  virtual void set_handler(WireHandler& handler) = 0;

  [[nodiscard]] virtual Result<SocketId, OpenError> open_datagram(const Endpoint& local,
                                                                  const SocketOptions& options) = 0;
  [[nodiscard]] virtual Result<SocketId, OpenError> listen_stream(const Endpoint& local,
                                                                  const SocketOptions& options) = 0;
  /// The bound address (port 0 replaced by the real one).
  [[nodiscard]] virtual Endpoint local_endpoint(SocketId socket) const = 0;
  /// Stops reading and closes; used when a reload removes a listener.
  virtual void close_socket(SocketId socket) = 0;

  /// Copies the octets into the turn's send batch; the batch leaves at the end of the turn or when it is full.
  virtual void send_datagram(SocketId socket, const Endpoint& to, std::string_view octets) = 0;
  /// Whether datagrams of one size to one destination may be handed to the kernel together (they arrive one by one).
  virtual void set_joining(bool) {}

  /// Starts a connection; on_connected or on_closed follows. `local` chooses the source address (port chosen by the
  /// kernel).
  [[nodiscard]] virtual StreamId connect(const Endpoint& remote, const std::optional<IpAddress>& local,
                                         const SocketOptions& options) = 0;
  /// Queues octets (also before on_connected). Once more than `limit` octets wait unsent the stream is closed with
  /// `overflow`: a peer that never reads costs no more than that. False when the id is dead or the limit was passed.
  virtual bool send_stream(StreamId stream, std::string_view octets, std::size_t limit) = 0;
  /// Closes after what is queued has been sent and the peer has closed its side as well (at most `linger`), or at once
  /// when linger is zero: what the kernel takes without waiting still leaves. Nothing but on_closed follows.
  virtual void close(StreamId stream, Duration linger) = 0;
  /// Kernel TCP keep-alive probing (CGP-72).
  virtual void set_keepalive(StreamId stream, Duration interval) = 0;
  /// TCP back-pressure: stops or resumes reading.
  virtual void pause(StreamId stream, bool paused) = 0;

  /// The local address this host would use towards `remote`; unspecified when there is no route. For listeners on all
  /// addresses, whose Via must still name one. May cost a system call.
  [[nodiscard]] virtual IpAddress source_address_for(const IpAddress& remote) = 0;

  [[nodiscard]] virtual TimePoint now() const = 0;
  /// Thread-safe: makes the wire call on_wake() soon.
  virtual void wake() = 0;

  /// How long what is being handed to the handler has waited in the kernel's queue, or less: the least that anything in
  /// it has waited of late (StandingWait). Measured only while input comes faster than it is read; zero otherwise.
  [[nodiscard]] Duration queue_delay() const { return queue_delay_; }
  /// The handler says what the datagrams it sends from now on are about, a call: within one batch those about different
  /// calls may overtake each other. 0: they may be about anything, and keep their place.
  void set_subject(std::uint64_t subject) { subject_ = subject; }
  /// Where the handler says what it is doing.
  [[nodiscard]] TurnMark& mark() { return mark_; }

 protected:
  Duration queue_delay_{};
  std::uint64_t subject_ = 0;
  TurnMark mark_;
};

}  // namespace bellhop::net
