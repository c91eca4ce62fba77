#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.hpp"
#include "crypto/token.hpp"
#include "location/table.hpp"
#include "observe/metrics.hpp"
#include "sip/message.hpp"
#include "transaction/tables.hpp"
#include "transport/layer.hpp"

namespace bellhop::shard {

/// Keeps the NATs in front of registered phones open (PAR-10): an empty line or an OPTIONS to each phone behind NAT
/// every `nat.ping_interval`, spread evenly over it. Devices with the workaround tcp-ping get nothing over TCP: the
/// kernel probes their connections (CGP-72). Browsers have pings of their own.
///
/// State   none but the part of the table that is next; an answer is known by its branch and dropped.
/// Owner   one shard; each pings the bindings of its own parts of the table.
class Pinger {
 public:
  struct Environment {
    const location::Table& table;
    transport::Layer& transport;
    transaction::Output& output;
    observe::Metrics& metrics;
    crypto::Key key;
  };
  Pinger(const Environment& environment, TimePoint now);

  /// `shard` of `shards`: whose turn it is at which bindings.
  void on_turn(const config::Snapshot& config, unsigned shard, unsigned shards, TimePoint now);
  [[nodiscard]] TimePoint next_deadline(const config::Snapshot& config) const {
    return config.nat.ping == config::Ping::none ? never : next_;
  }
  /// Whether this response is to an OPTIONS of ours; it needs no more attention then.
  [[nodiscard]] bool takes(const sip::Message& response);

 private:
  static constexpr std::string_view mark = "z9hG4bKbhp";
  void ping(const location::Binding& binding, const config::Snapshot& config);
  void write_options(const location::Binding& binding, const config::Snapshot& config);

  Environment env_;
  TimePoint next_;
  std::size_t step_ = 0;
  std::uint64_t sent_count_ = 0;
  std::vector<location::Binding> bindings_;
  std::string buffer_;
  observe::Counter& sent_;
  observe::Counter& answered_;
};

}  // namespace bellhop::shard
