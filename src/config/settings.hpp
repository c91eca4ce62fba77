#pragma once

#include <utility>

#include "config/setting.hpp"
#include "config/snapshot.hpp"

namespace bellhop::config {

// The one table of settings (settings.cpp), section by section. The loader, its messages, restart_needed() and
// docs/settings.md are all made from it.
[[nodiscard]] const Section<Server>& server_section();
[[nodiscard]] const Section<Log>& log_section();
[[nodiscard]] const Section<Listen>& listen_section();
[[nodiscard]] const Section<Domain>& domain_section();
[[nodiscard]] const Section<StaticAccount>& account_section();
[[nodiscard]] const Section<StaticAlias>& alias_section();
[[nodiscard]] const Section<Barring>& barring_section();
[[nodiscard]] const Section<Cap>& cap_section();
[[nodiscard]] const Section<Sip>& sip_section();
[[nodiscard]] const Section<Overload>& overload_section();
[[nodiscard]] const Section<Tcp>& tcp_section();
[[nodiscard]] const Section<Registrar>& registrar_section();
[[nodiscard]] const Section<Nat>& nat_section();
[[nodiscard]] const Section<Zone>& zone_section();
[[nodiscard]] const Section<Device>& device_section();
[[nodiscard]] const Section<Site>& site_section();
[[nodiscard]] const Section<Auth>& auth_section();
[[nodiscard]] const Section<Guard>& guard_section();
[[nodiscard]] const Section<Dns>& dns_section();
[[nodiscard]] const Section<Host>& host_section();
[[nodiscard]] const Section<Admin>& admin_section();
[[nodiscard]] const Section<Tls>& tls_section();
[[nodiscard]] const Section<WebSocket>& websocket_section();
[[nodiscard]] const Section<Peer>& peer_section();

/// Calls visit(section, member of Snapshot) for each section, in the order of the documentation. The member is a
/// struct, or a vector of structs for repeated sections.
template <class Visit>
void for_each_section(Visit&& visit) {
  visit(server_section(), &Snapshot::server);
  visit(log_section(), &Snapshot::log);
  visit(listen_section(), &Snapshot::listen);
  visit(domain_section(), &Snapshot::domains);
  visit(account_section(), &Snapshot::accounts);
  visit(alias_section(), &Snapshot::aliases);
  visit(barring_section(), &Snapshot::barrings);
  visit(cap_section(), &Snapshot::caps);
  visit(sip_section(), &Snapshot::sip);
  visit(overload_section(), &Snapshot::overload);
  visit(tcp_section(), &Snapshot::tcp);
  visit(registrar_section(), &Snapshot::registrar);
  visit(nat_section(), &Snapshot::nat);
  visit(zone_section(), &Snapshot::zones);
  visit(device_section(), &Snapshot::devices);
  visit(site_section(), &Snapshot::sites);
  visit(auth_section(), &Snapshot::auth);
  visit(guard_section(), &Snapshot::guard);
  visit(dns_section(), &Snapshot::dns);
  visit(host_section(), &Snapshot::hosts);
  visit(admin_section(), &Snapshot::admin);
  visit(tls_section(), &Snapshot::tls);
  visit(websocket_section(), &Snapshot::websocket);
  visit(peer_section(), &Snapshot::peers);
}

}  // namespace bellhop::config
