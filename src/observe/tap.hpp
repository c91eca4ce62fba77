#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace bellhop::observe {

/// The one point every SIP message passes, after decryption and before encryption (founding decision 6). Counts it,
/// keeps it in a bounded ring when tracing is on, writes it to the log at All Info (tag SIPDATA) or, when "dump
/// call-related packets" is on, for INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, INFO, REFER and their responses (CGP-23).
///
/// Owner  one shard. Cost with tracing and packet log off: two counters.
class Tap {
 public:
  enum class Direction : std::uint8_t { received, sent };
  struct Entry {
    TimePoint time;
    Direction direction;
    const char* transport;  ///< static: "udp", "tcp" ...
    Endpoint local, remote;
    std::string octets;
  };

  Tap(Log& log, Metrics& metrics);

  void set_dump_call_packets(bool on) { dump_call_packets_ = on; }
  void set_ring_size(std::size_t octets);  ///< 0 switches the ring off

  void message(Direction direction, const char* transport, const Endpoint& local, const Endpoint& remote,
               std::string_view octets, TimePoint now);

  /// Newest last; those that contain `needle` (a Call-ID, a user) or all when it is empty.
  [[nodiscard]] std::vector<Entry> find(std::string_view needle) const;

 private:
  void record(Direction direction, const char* transport, const Endpoint& local, const Endpoint& remote,
              std::string_view octets, TimePoint now);
  void shrink_ring();

  Log& log_;
  Counter& received_;
  Counter& sent_;
  Counter& received_octets_;
  Counter& sent_octets_;
  bool dump_call_packets_ = false;
  std::size_t ring_limit_ = 0;
  std::size_t ring_octets_ = 0;
  std::deque<Entry> ring_;
};

}  // namespace bellhop::observe
