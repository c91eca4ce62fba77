#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/simulation.hpp"

namespace bellhop::shard {
class Shard;
}
namespace bellhop::location {
class Table;
}

namespace bellhop::scenario {

/// A whole Bellhop of one or more shards in virtual time, with the network around it. Everything is in one thread; a
/// failing seed is a reproducible bug.
class World {
 public:
  struct Options {
    unsigned shards = 1;
    std::uint64_t seed = 1;
    net::Weather weather{};
    std::string config;  ///< TOML; empty: default_config()
    std::string domain = "example.test";
    std::string address = "127.0.0.1:5060";
    World* beside = nullptr;  ///< another server in the same network
  };
  explicit World(const Options& options);
  ~World();

  /// One domain over UDP and TCP, accounts alice, bob, carol, dave (password: "pw-" and the name), the flood guard off
  /// for loopback. `domain_lines` go into the domain, `more` behind everything.
  [[nodiscard]] static std::string default_config(std::string_view more = {}, std::string_view domain_lines = {},
                                                  std::string_view domain = "example.test",
                                                  std::string_view address = "127.0.0.1:5060");

  /// The same asking nobody for a password, so that what is bad is not hidden behind a challenge.
  [[nodiscard]] static std::string open_house(std::string_view more = {}) {
    return default_config(more, "authenticate = \"none\"\n");
  }
  /// A house whose guard judges everybody, loopback too; `guard_lines` go into its section.
  [[nodiscard]] static std::string guarded(std::string_view guard_lines = {}, std::string_view more = {});

  const std::string domain;
  const Endpoint address;

  /// Where a party of this family finds the server. The IPv6 address is listened on by `dual_stack()` only.
  [[nodiscard]] Endpoint address_for(const Endpoint& party) const;
  /// Lines that make the server listen on IPv6 too.
  [[nodiscard]] static std::string dual_stack();

  net::Simulation& net();
  shard::Shard& shard(std::size_t i);  ///< whoever looks inside includes shard/shard.hpp
  [[nodiscard]] std::size_t shards() const;
  location::Table& table();
  void run_for(Duration duration) { net().run_for(duration); }
  void apply(const std::string& toml);
  /// From now on everything that arrives has waited so long in the kernel.
  void set_queue_delay(Duration delay);

  /// Parties are named in arrows by their address.
  void name(const Endpoint& endpoint, std::string party);

  /// Every message that passed Bellhop's tap since the last call, one line each, in order: "alice -> INVITE",
  /// "bob <- INVITE", "alice <- 180 INVITE".
  [[nodiscard]] std::vector<std::string> arrows();
  /// The same without repeats of a line: what a lossy network still must bring about.
  [[nodiscard]] std::vector<std::string> distinct_arrows();
  /// When such a line passed, from the beginning on.
  [[nodiscard]] std::vector<TimePoint> times_of(std::string_view arrow) const;

  /// An account in a domain that only the account store knows. Until the next apply().
  void store_account(std::string_view user, std::string_view in_domain, std::string_view password);

  [[nodiscard]] std::uint64_t counter(std::string_view name) const;
  [[nodiscard]] std::int64_t gauge(std::string_view name) const;
  [[nodiscard]] std::size_t transactions() const;
  [[nodiscard]] std::size_t forks() const;
  [[nodiscard]] const std::vector<std::string>& log_lines() const;

 private:
  struct Inside;  ///< the server itself, so that tests need not be compiled again whenever it changes
  std::unique_ptr<Inside> inside_;
};

}  // namespace bellhop::scenario
