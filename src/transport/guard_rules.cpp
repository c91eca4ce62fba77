#include "transport/guard_rules.hpp"

namespace bellhop::transport {

guard::Rules rules_of(const config::Snapshot& config) {
  const config::Guard& from = config.guard;
  guard::Rules rules;
  rules.exempt = from.exempt;
  rules.denied = from.denied;
  for (const config::Peer& peer : config.peers)
    rules.trusted.insert(rules.trusted.end(), peer.networks.begin(), peer.networks.end());
  rules.flood = from.flood;
  rules.shadow = from.shadow;
  rules.requests = {from.flood_requests, from.flood_window, from.flood_ban};
  rules.known_requests = from.known_requests;
  rules.network_requests = from.network_requests;
  rules.known_for = from.known_for;
  rules.malformed = {from.malformed_packets, from.malformed_window, from.ban};
  rules.credentials = {from.failed_logins, from.failed_login_window, from.ban};
  rules.scanner_ban = from.ban;
  return rules;
}

}  // namespace bellhop::transport
