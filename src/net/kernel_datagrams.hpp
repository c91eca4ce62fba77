#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "net/datagram_batch.hpp"
#include "net/kernel_socket.hpp"
#include "net/standing_wait.hpp"
#include "observe/metrics.hpp"

namespace bellhop::net {

/// The UDP half of KernelWire. ICMP errors come back through the sockets' error queues with the destination they are
/// about (RFC 3261 section 18.4).
class KernelDatagrams {
 public:
  /// `queue_delay` is told the standing wait of the socket the batch under work came from (Wire::queue_delay).
  KernelDatagrams(Poller& poller, observe::Metrics& metrics, Duration& queue_delay);

  [[nodiscard]] Result<Endpoint, OpenError> open(SocketId id, const Endpoint& local, const SocketOptions& options);
  void close(SocketId id);
  void send(SocketId id, const Endpoint& to, std::string_view octets, std::uint64_t subject);
  void set_joining(bool wanted) { joining_ = wanted; }

  /// `rested`: the wire waited for this, with nothing to do.
  void on_event(SocketId id, std::uint32_t events, bool rested, WireHandler& handler, TimePoint now);
  /// Sends the batch.
  void flush();
  /// Tells the handler what was found unreachable since the last time.
  void report(WireHandler& handler, TimePoint now);
  /// Something waits for flush() or report().
  [[nodiscard]] bool busy() const { return !batch_.empty() || !unreachable_.empty(); }
  /// Reads how many packets the kernel dropped because a socket's receive buffer was full.
  void count_kernel_drops();

 private:
  struct Socket {
    Descriptor descriptor;  ///< invalid once closed; ids are not used again
    SendBacklog backlog;
    std::uint32_t kernel_drops = 0;
    StandingWait wait;
    TimePoint stamped_until{};  ///< the kernel notes when each packet arrives
    bool alone = true;          ///< what ended a rest was one datagram, the last time
  };

  [[nodiscard]] Socket* open_socket(SocketId id);
  void read(SocketId id, bool rested, WireHandler& handler, TimePoint now);
  void measure_delay(Socket& socket, TimePoint now);
  void stamp(Socket& socket, bool wanted, TimePoint now);
  /// Reads ICMP errors from the socket's error queue, for report(). False: there were none.
  bool take_errors(SocketId id);
  [[nodiscard]] bool is_final(SocketId id, int error_number, int& failures);
  void transmit(SocketId id, std::size_t first, std::size_t last);
  void refuse_run(const Socket& socket, SocketId id, std::size_t run, int error_number);
  /// Sends one datagram or gives it up; false when the kernel has no room for it now.
  [[nodiscard]] bool send_alone(const Socket& socket, SocketId id, const Endpoint& to, std::string_view octets);
  void give_up(SocketId id, const Endpoint& to, int error_number);
  void put_back(SocketId id, const Endpoint& to, std::string_view octets);
  void send_backlog(SocketId id);

  Poller& poller_;
  std::vector<std::unique_ptr<Socket>> sockets_;  ///< by id; null where the id is a listener's
  ReceiveBatch received_;
  Duration& queue_delay_;
  SendBatch batch_;
  bool joining_ = true;
  std::size_t not_joined_ = 0;  ///< so many more batches leave unjoined
  std::vector<std::pair<SocketId, Endpoint>> unreachable_;
  observe::Counter& received_count_;
  observe::Counter& sent_;
  observe::Counter& send_dropped_;
  observe::Counter& send_failed_;
  observe::Counter& joined_;
  observe::Counter& joins_refused_;
  observe::Counter& icmp_errors_;
  observe::Counter& kernel_dropped_;
};

}  // namespace bellhop::net
