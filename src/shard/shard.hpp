#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "base/random.hpp"
#include "config/snapshot.hpp"
#include "crypto/token.hpp"
#include "dialog/calls.hpp"
#include "guard/guard.hpp"
#include "location/table.hpp"
#include "net/inbox.hpp"
#include "net/resolver.hpp"
#include "net/timer.hpp"
#include "net/wire.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "observe/tap.hpp"
#include "proxy/proxy.hpp"
#include "registrar/registrar.hpp"
#include "request/answer.hpp"
#include "routing/router.hpp"
#include "shard/pinger.hpp"
#include "shard/pipeline.hpp"
#include "shard/post.hpp"
#include "transaction/tables.hpp"
#include "transport/avoided.hpp"
#include "transport/connections.hpp"
#include "transport/layer.hpp"

namespace bellhop::shard {

/// What all shards share: narrow state behind striped locks, and keys. Owned by ServerCore (or a test).
struct Shared {
  observe::Log& log;
  const storage::Directory& directory;
  location::Table& table;
  guard::Guard& guard;
  transport::Connections& connections;
  transport::Avoided& avoided;
  auth::Authenticator& authenticator;
  dialog::Calls& calls;
  net::Resolver& resolver;
  crypto::Key key;  ///< kept in data_dir: Route tokens and branches are known again after a restart
  std::uint64_t hash_seed;
};

/// One core: owns its tables, timers and connections, and runs every message of the calls it owns through the pipeline.
/// A call belongs to the shard its Call-ID hashes to; a message that arrives elsewhere is posted there, so it hops once
/// at most.
///
/// Thread  its own. From outside only post() may be called.
/// Time    handed in by the wire; the shard reads no clock.
class Shard final : public net::WireHandler,
                    private transport::Receiver,
                    private transaction::Output,
                    private net::Resolver::Asker {
 public:
  Shard(std::uint16_t index, net::Wire& wire, const Shared& shared, config::SnapshotPtr config,
        std::uint64_t random_seed);
  ~Shard() override;

  /// Opens the listeners. Before the wire runs.
  [[nodiscard]] Result<void, std::string> open();
  /// Who else there is, this shard included, by index. Before the wire runs.
  void set_peers(std::vector<Shard*> peers) { peers_ = std::move(peers); }

  /// Thread-safe. False: the inbox is full and the message was dropped (CGP-29); nothing but messages ever is.
  bool post(Post&& value);

  /// New calls are refused from now on (503); those under way go on.
  void start_draining() { pipeline_.start_draining(); }
  [[nodiscard]] bool quiet() const { return proxy_.forks() == 0; }

  [[nodiscard]] std::uint16_t index() const { return index_; }
  [[nodiscard]] observe::Metrics& metrics() { return metrics_; }
  [[nodiscard]] observe::Tap& tap() { return tap_; }
  [[nodiscard]] transaction::ServerTransactions& servers() { return servers_; }
  [[nodiscard]] transaction::ClientTransactions& clients() { return clients_; }
  [[nodiscard]] const proxy::Proxy& proxy() const { return proxy_; }
  [[nodiscard]] TimePoint now() const { return wire_.now(); }

 private:
  // net::WireHandler
  void on_datagram(net::SocketId socket, const Endpoint& from, std::string_view octets, TimePoint now) override;
  void on_unreachable(net::SocketId socket, const Endpoint& to, TimePoint now) override;
  void on_accept(net::SocketId listener, net::StreamId stream, const Endpoint& local, const Endpoint& remote,
                 TimePoint now) override;
  void on_connected(net::StreamId stream, const Endpoint& local, TimePoint now) override;
  void on_stream_data(net::StreamId stream, std::string_view octets, TimePoint now) override;
  void on_closed(net::StreamId stream, net::CloseReason reason, TimePoint now) override;
  void on_wake(TimePoint now) override;
  void on_turn(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  void on_long_turn(Duration lasted, const char* step) override;

  // transport::Receiver
  void on_message(const net::Flow& from, std::string_view octets, TimePoint now) override;
  void on_unframed(const net::Flow& from, std::string_view octets, const sip::ParseRefusal& refusal,
                   TimePoint now) override;
  void on_flow_failed(const net::Flow& flow, net::CloseReason reason, TimePoint now) override;
  void on_users_lost(const net::Flow& flow, const std::vector<std::string>& users, TimePoint now) override;
  void post_send(const net::Flow& to, std::string_view octets) override;
  void post_probe(const net::Flow& flow) override;

  // transaction::Output
  void transmit(const net::Flow& to, std::string_view octets) override;

  // net::Resolver::Asker, on the resolver's thread
  void on_answer(std::uint64_t key, net::AnswerPtr answer) override;

  void handle(const net::Flow& from, std::string_view octets, TimePoint arrived, TimePoint now);
  void on_response(const net::Flow& from, TimePoint now);
  void refuse_malformed(const net::Flow& from, std::string_view octets, const sip::ParseRefusal& refusal,
                        TimePoint now);
  void apply(config::SnapshotPtr config);
  void apply_limits();
  [[nodiscard]] std::uint16_t owner_of(std::string_view octets) const;
  void take(Post& value, TimePoint now);

  const std::uint16_t index_;
  net::Wire& wire_;
  Shared shared_;
  config::SnapshotPtr config_;
  std::vector<Shard*> peers_;
  observe::Metrics metrics_;
  observe::Tap tap_;
  transaction::Timers timers_;
  net::TimerWheel wheel_;
  proxy::RouteTokens tokens_;
  sip::Limits limits_;
  transport::Layer transport_;
  transaction::ServerTransactions servers_;
  transaction::ClientTransactions clients_;
  proxy::Proxy proxy_;
  registrar::Registrar registrar_;
  routing::Router router_;
  Pipeline pipeline_;
  Pinger pinger_;

  sip::Message message_;  ///< scratch: one message is under work at a time
  request::AnswerWriter answers_;
  net::Inbox<Post> inbox_;
  std::vector<Post> taken_;
  std::size_t next_taken_ = 0;
  TimePoint next_expiry_{};
  observe::Counter& malformed_;
  observe::Counter& stray_responses_;
  observe::Counter& hops_;
  observe::Counter& long_turns_;
  observe::Gauge& longest_turn_;
};

}  // namespace bellhop::shard
