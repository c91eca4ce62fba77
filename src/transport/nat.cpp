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
  const bool by_contact = contact != nullptr && contact->is_sip();
  return behind_nat(request, contact, by_contact ? sip::host_address(contact->host) : std::nullopt, from, signs);
}

bool behind_nat(const sip::Message& request, const sip::Uri* contact, std::optional<IpAddress> address,
                const net::Flow& from, std::uint16_t signs) {
  if (request.via_count() > 1) return false;
  const sip::Via& via = request.top_via();
  bool both = false;  // the Via names the same address, most often
  if (contact != nullptr && contact->is_sip()) {
    if (!address && ends_in_invalid(contact->host)) return true;
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
