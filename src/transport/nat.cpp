#include "transport/nat.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/snapshot.hpp"

namespace bellhop::transport {

namespace {

bool ends_in_invalid(std::string_view host) {
  constexpr std::string_view suffix = ".invalid";
  return host.size() >= suffix.size() && equals_ignore_case(host.substr(host.size() - suffix.size()), suffix);
}

bool is_private(const IpAddress& address) {
  static const std::vector<Network> networks = config::private_networks();
  return std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(address); });
}

}  // namespace

bool behind_nat(const sip::Message& request, const sip::Uri* contact, const net::Flow& from, std::uint16_t signs) {
  if (request.via_count() > 1) return false;
  const sip::Via& via = request.top_via();
  std::optional<IpAddress> address;  // what both name, most often
  bool both = false;
  if (contact != nullptr && contact->is_sip()) {
    if (ends_in_invalid(contact->host)) return true;
    address = sip::host_address(contact->host);
    both = contact->host == via.host;
    if (address && (signs & config::NatSign::contact_address) != 0 && *address != from.remote.address) return true;
    if (address && (signs & config::NatSign::private_contact) != 0 && is_private(*address)) return true;
  }
  if ((signs & config::NatSign::via_address) != 0) {
    if (!both) address = sip::host_address(via.host);
    if (address && *address != from.remote.address) return true;
  }
  if ((signs & config::NatSign::via_port) == 0 || from.is_stream())
    return false;  // a connection's port is never the one its phone listens on
  return (via.port != 0 ? via.port : sip::default_port(from.transport)) != from.remote.port;
}

}  // namespace bellhop::transport
