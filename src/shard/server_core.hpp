#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "auth/authenticator.hpp"
#include "config/snapshot.hpp"
#include "net/kernel_wire.hpp"
#include "shard/shard.hpp"

namespace bellhop::shard {

/// All shards of a running server and their threads: what `server` assembles and `admin` asks.
///
/// Threads  start(), apply(), drain() and stop() from the main thread; collect() and on_each() from any thread but a
/// shard's.
class ServerCore {
 public:
  struct Environment {
    observe::Log& log;
    const storage::Directory& directory;
    location::Table& table;
    guard::Guard& guard;
    net::Resolver& resolver;
    observe::Metrics& metrics;  ///< of the process, for what shards share
    crypto::Key key;            ///< Route tokens, branches, nonces: kept in data_dir
    std::uint64_t hash_seed;
  };
  ServerCore(const Environment& environment, config::SnapshotPtr config);
  ~ServerCore();

  /// How many shards this configuration asks for on this machine.
  [[nodiscard]] static unsigned shards_for(const config::Snapshot& config);

  /// Makes sure that nobody else listens on our addresses (SO_REUSEPORT would let two servers share one unnoticed),
  /// opens every listener on every shard and starts the threads. The text of an error tells which listener failed.
  [[nodiscard]] Result<void, std::string> start();
  /// A new snapshot for every shard, applied between two messages.
  void apply(config::SnapshotPtr config);
  /// Refuses new calls and waits until those being set up have ended, at most this long. True: all ended.
  bool drain(Duration at_most);
  /// Stops and joins all threads.
  void stop();

  [[nodiscard]] unsigned shards() const { return static_cast<unsigned>(shards_.size()); }
  void collect(observe::Metrics::Values& values) const;
  /// Runs `visit` on each shard's own thread, one after the other, and waits: for the monitor.
  void on_each(const std::function<void(Shard&)>& visit);

 private:
  [[nodiscard]] Result<void, std::string> check_addresses_are_free() const;

  Environment env_;
  config::SnapshotPtr config_;
  transport::Connections connections_;
  transport::Avoided avoided_;
  auth::Authenticator authenticator_;
  dialog::Calls calls_;
  std::vector<std::unique_ptr<net::KernelWire>> wires_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
  std::optional<net::TurnWatch> watch_;  ///< while the threads run
  std::atomic<bool> running_{false};
};

}  // namespace bellhop::shard
