#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/text_hash.hpp"
#include "net/flow.hpp"

namespace bellhop::transport {

/// Which shard owns the connection to a peer: shared by all shards, so that a connection opened or accepted by one is
/// found and reused by the others (RFC 3261 section 18, RFC 5923 later). State shared but narrow: a striped lock held
/// for one look-up.
///
/// Of several connections to one endpoint, as when two domains lie on it and each was proved by one, the newest stands
/// for it; the others are found by their domain.
class Connections {
 public:
  /// `server_name`: the domain this connection is opened for and is proving (TLS); empty for all others.
  void add(const net::Flow& flow, std::string_view server_name = {});
  /// Removes the entry when it still names this connection; the answer are the addresses-of-record that registered over
  /// it.
  std::vector<std::string> remove(const net::Flow& flow);
  [[nodiscard]] std::optional<net::Flow> find(sip::Transport transport, const Endpoint& remote) const;
  /// The same for a request to a TLS server that must prove this domain (RFC 5922 section 7.2): a connection that is
  /// proving another one is no answer.
  [[nodiscard]] std::optional<net::Flow> find(sip::Transport transport, const Endpoint& remote,
                                              std::string_view server_name) const;

  /// Whether this very connection is there.
  [[nodiscard]] bool holds(const net::Flow& flow) const;

  /// The SIP domain identities that the peer's certificate proved (RFC 5922 section 7.1).
  void set_identities(const net::Flow& flow, std::vector<std::string> identities);
  [[nodiscard]] std::vector<std::string> identities(const net::Flow& flow) const;
  /// RFC 5923: the peer said that it takes requests for `served`, an address it listens on, over this connection.
  /// Believed when a certificate proved who it is; find() then knows the connection there too.
  void add_alias(const net::Flow& flow, const Endpoint& served);
  /// A phone registered this address-of-record over the connection (USR-12).
  void note_user(const net::Flow& flow, std::string_view aor);

  /// Counts connections for the server-wide and per-address limits (CGP-26, threats 69). False: one more is too many.
  [[nodiscard]] bool admit(const IpAddress& address, std::size_t limit, std::size_t limit_per_address);
  void leave(const IpAddress& address);
  [[nodiscard]] std::size_t size() const;

 private:
  static constexpr std::size_t stripes = 64;
  struct Entry;
  struct Facts {  ///< what few connections have
    std::string server_name;
    std::vector<std::string> identities;
    std::unordered_set<std::string, TextHash, std::equal_to<>> users;  ///< accounts that exist: nobody chooses keys
    std::vector<Endpoint> aliases;
    std::vector<Entry> others;  ///< older ones to the same endpoint, the newest last
  };
  struct Entry {
    net::Flow flow;
    std::unique_ptr<Facts> facts;

    [[nodiscard]] Facts& own_facts();
    [[nodiscard]] bool proves(std::string_view server_name) const;
  };
  struct Stripe {
    mutable std::mutex mutex;
    boost::unordered_flat_map<Endpoint, Entry, EndpointHash> entries[5];  // by transport

    [[nodiscard]] const Entry* find(const net::Flow& flow) const;  ///< this very connection
    [[nodiscard]] Entry* find(const net::Flow& flow);
  };
  std::unique_ptr<Facts> take(const net::Flow& flow, const Endpoint& at);
  [[nodiscard]] bool leads_over(const net::Flow& flow, const Endpoint& served) const;
  [[nodiscard]] const Stripe& stripe_of(const Endpoint& remote) const { return stripes_[hash_of(remote) >> 58]; }
  [[nodiscard]] Stripe& stripe_of(const Endpoint& remote) { return stripes_[hash_of(remote) >> 58]; }

  std::array<Stripe, stripes> stripes_;
  mutable std::mutex admission_;  ///< taken once when a connection comes and once when it goes
  std::size_t count_ = 0;
  boost::unordered_flat_map<Endpoint, std::size_t, EndpointHash> per_address_;  ///< port 0
};

}  // namespace bellhop::transport
