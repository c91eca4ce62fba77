#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "config/snapshot.hpp"
#include "location/table.hpp"
#include "net/flow.hpp"
#include "observe/decision.hpp"
#include "routing/address.hpp"
#include "routing/gruu.hpp"
#include "sip/message.hpp"
#include "storage/directory.hpp"

namespace bellhop::routing {

/// One place a request can be sent to.
struct Destination {
  std::string uri;     ///< the new Request-URI
  std::string routes;  ///< Path of the binding or a relay: values of a Route header to put on top; empty: none
  std::optional<net::Flow> flow;  ///< go this way, whatever the URI says: a phone behind NAT or on a connection
  std::optional<sip::Transport> transport;  ///< forced by an address suffix
  std::uint16_t q = 1000;                   ///< thousandths; equal ones ring together, lower ones later
  std::uint64_t binding = 0;                ///< id of the binding; 0: not a registered device
  bool outbound = false;                    ///< registered by a flow of its own (RFC 5626): nothing else leads there
  config::Workarounds workarounds = 0;      ///< what the device or site needs (CGP-62, 63)
  std::vector<Destination>
      alternates{};  ///< other flows of the same device, in order: tried when this one fails (RFC 5626 section 7)
};

/// What routing decided: an answer, or destinations in the order of q. Data only: proxy and shard act on it.
struct Decision {
  bool refused = false;
  Refusal refusal;
  std::vector<Destination> destinations;
  const config::Domain* domain = nullptr;  ///< the local domain the request was for; null: it leaves for elsewhere
  std::string callee_user, callee_domain;  ///< the account it is for in the end; empty: none of ours
  bool to_remote = false;                  ///< leaves this server's users: relay policy applies unless `by_rule`
  bool by_rule = false;  ///< an alias or forwarder of ours named the remote address: an explicit permission
};

/// Finds where a request goes: address rules, aliases and forwarders, location, remote domains, Relay via.
///
/// Spec    RFC 3261 sections 16.5 and 10; features.md CGP-12 to CGP-19, CGP-52, RT-11, REG-07, REG-12, REG-16.
/// Answers 484 without a user in a local domain, 404 for unknown users and undotted domains, 480 for known users
///         without a binding, 405 when no binding accepts the method, 482 for aliases that chase each other.
/// Owner   one shard; keeps nothing between requests but room.
class Router {
 public:
  Router(const storage::Directory& directory, const location::Table& table, const crypto::Key& key = {})
      : directory_(directory), table_(table), gruus_(key) {}

  [[nodiscard]] Decision route(const Result<sip::Uri, sip::UriError>& target, sip::Method method,
                               const config::Snapshot& config, TimePoint now, observe::DecisionRecord& record);

 private:
  /// What a GRUU narrows a search to (RFC 5627); nothing: all devices of the user.
  struct Wanted {
    std::string key;  ///< of the bindings
    std::optional<Gruus::Device> device;
  };
  void route_local(const Address& address, const Wanted& wanted, sip::Method method, const config::Snapshot& config,
                   TimePoint now, observe::DecisionRecord& record, Decision& decision);
  void route_remote(const Address& address, const config::Snapshot& config, observe::DecisionRecord& record,
                    Decision& decision) const;

  const storage::Directory& directory_;
  const location::Table& table_;
  Gruus gruus_;
  location::Listing bindings_;  ///< scratch
};

/// A binding as a destination: Path, NAT and connections considered.
[[nodiscard]] Destination destination_of(const location::BindingView& binding);

/// Bindings as destinations in their order; of several flows of one device the first one, with the others as its
/// alternates.
[[nodiscard]] std::vector<Destination> destinations_of(std::span<const location::BindingView> bindings,
                                                       const config::Snapshot& config);

}  // namespace bellhop::routing
