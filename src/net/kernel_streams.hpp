#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/kernel_socket.hpp"
#include "observe/metrics.hpp"

namespace bellhop::net {

/// The TCP half of KernelWire: listeners and connections. Reads go through one buffer for all, so an idle connection
/// costs its slot (meant to be under 100 octets here, not yet measured; the rest is the kernel's); a write buffer
/// exists only while something is unsent.
class KernelStreams {
 public:
  KernelStreams(Poller& poller, observe::Metrics& metrics);

  [[nodiscard]] Result<Endpoint, OpenError> listen(SocketId id, const Endpoint& local, const SocketOptions& options);
  void close_listener(SocketId id);
  [[nodiscard]] StreamId connect(const Endpoint& remote, const std::optional<IpAddress>& local,
                                 const SocketOptions& options);
  bool send(StreamId id, std::string_view octets, std::size_t limit);
  void close(StreamId id, Duration linger, TimePoint now);
  void set_keepalive(StreamId id, Duration interval);
  void pause(StreamId id, bool paused);

  void on_listener_event(SocketId id, WireHandler& handler, TimePoint now);
  void on_stream_event(StreamId id, std::uint32_t events, WireHandler& handler, TimePoint now);
  /// Writes what was queued in this turn, ends lingering closes that are over, and says on_closed for what has ended.
  void end_turn(WireHandler& handler, TimePoint now);
  /// end_turn() has work at once.
  [[nodiscard]] bool busy() const { return !unflushed_.empty() || !ended_.empty(); }
  [[nodiscard]] TimePoint next_deadline() const;

 private:
  struct Listener {
    Descriptor descriptor;  ///< invalid once closed
    Endpoint local;
    bool any_address = false;  ///< each connection must be asked for its local address
  };
  struct Stream {
    enum class State : std::uint8_t {
      connecting,
      open,
      closing,  ///< sends what is queued, hears nothing more
      shut,     ///< everything is sent, the peer's end is awaited so that no reset overtakes our last words
      ended     ///< only on_closed is owed
    };
    Descriptor descriptor;
    State state = State::connecting;
    bool paused = false;
    bool flush_asked = false;  ///< in unflushed_
    bool blocked = false;      ///< the kernel's buffer is full
    std::uint32_t watched = 0;
    std::string unsent;
    std::size_t sent = 0;  ///< of `unsent`
    TimePoint linger_until = never;
  };

  [[nodiscard]] Stream* alive(StreamId id);
  /// One more connection in; false when no further connection waits.
  bool accept_one(SocketId id, WireHandler& handler, TimePoint now);
  /// Out of descriptors: takes the connection only to close it, or lets the listener rest. True when one was taken.
  bool reject_one(SocketId id, TimePoint now);
  void resume_accepting(TimePoint now);
  void take_reserve();
  void finish_connect(StreamId id, Stream& stream, WireHandler& handler, TimePoint now);
  void start_connect(StreamId id, Stream& stream, const Endpoint& remote, const std::optional<IpAddress>& local,
                     const SocketOptions& options);
  void read(StreamId id, Stream& stream, WireHandler& handler, TimePoint now);
  void flush(StreamId id, Stream& stream);
  void ask_flush(StreamId id, Stream& stream);
  void flush_all();
  void watch(StreamId id, Stream& stream);
  void end(StreamId id, Stream& stream, CloseReason reason);
  void end_lingering(TimePoint now);
  void recycle(std::string& text);

  Poller& poller_;
  std::vector<std::unique_ptr<Listener>> listeners_;  ///< by id; null where the id is a UDP socket's
  SlotMap<Stream> streams_;
  std::unique_ptr<char[]> buffer_;
  Descriptor reserve_;  ///< given up for a moment to refuse a connection when descriptors have run out
  std::vector<StreamId> unflushed_, flushing_;
  std::vector<std::pair<StreamId, CloseReason>> ended_;
  std::vector<StreamId> lingering_;
  TimePoint next_linger_ = never;
  std::vector<SocketId> resting_;  ///< listeners not watched until resume_accepting_
  TimePoint resume_accepting_ = never;
  std::vector<std::string> spare_;
  observe::Counter& accepted_;
  observe::Counter& rejected_;
  observe::Counter& connected_;
  observe::Counter& connect_failed_;
  observe::Counter& overflowed_;
  observe::Gauge& open_;
};

}  // namespace bellhop::net
