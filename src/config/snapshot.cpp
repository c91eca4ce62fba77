#include "config/snapshot.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/fold_case.hpp"
#include "base/text.hpp"
#include "config/texts.hpp"

namespace bellhop::config {

namespace {

bool any_contains(const std::vector<Network>& networks, const IpAddress& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(address); });
}

/// The host of "host", "host:port", "[v6]" or "[v6]:port", without brackets.
std::string_view host_of(std::string_view text) {
  if (!text.empty() && text.front() == '[') return text.substr(1, text.find(']') - 1);
  const auto colon = text.find(':');
  return colon == text.rfind(':') ? text.substr(0, colon) : text;
}

}  // namespace

std::vector<Network> private_networks() {
  std::vector<Network> networks;
  for (const char* text : {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                           "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"})
    networks.push_back(*Network::parse(text));
  return networks;
}

std::string_view Snapshot::without_realm_prefix(std::string_view host) const {
  const std::string& prefix = registrar.realm_prefix;
  return !prefix.empty() && host.size() > prefix.size() && starts_with_ignore_case(host, prefix)
             ? host.substr(prefix.size())
             : host;
}

const Domain* Snapshot::domain_of(std::string_view host) const {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto goes_by = [](const Domain& domain, std::string_view name) {
    return name == domain.name || equals_ignore_case(name, domain.name) ||
           std::any_of(domain.aliases.begin(), domain.aliases.end(),
                       [&](const std::string& alias) { return equals_ignore_case(name, alias); });
  };
  for (const Domain& domain : domains)
    if (goes_by(domain, host)) return &domain;
  if (const auto name = without_realm_prefix(host); name.size() != host.size())
    for (const Domain& domain : domains)
      if (goes_by(domain, name)) return &domain;
  if (domains.empty()) return nullptr;
  const auto address = IpAddress::parse(host);
  for (const Listen& listener : listen) {
    if (address && listens_on(listener, *address)) return &domains.front();
    if (!listener.advertise.empty() && equals_ignore_case(host, host_of(listener.advertise))) return &domains.front();
  }
  for (const Zone& zone : zones)
    if (!zone.advertise.empty() && equals_ignore_case(host, host_of(zone.advertise))) return &domains.front();
  return nullptr;
}

bool Snapshot::listens_on(const Listen& listener, const IpAddress& address) const {
  if (listener.address.address == address) return true;
  return listener.address.address.is_unspecified() && listener.address.address.is_v6() == address.is_v6() &&
         std::find(interface_addresses.begin(), interface_addresses.end(), address) != interface_addresses.end();
}

bool Snapshot::is_own_address(const IpAddress& address, std::uint16_t port) const {
  return std::any_of(listen.begin(), listen.end(), [&](const Listen& listener) {
    const std::uint16_t wanted = port == 0 ? sip::default_port(listener.transport) : port;
    return listener.address.port == wanted && listens_on(listener, address);
  });
}

bool Snapshot::is_lan(const IpAddress& address) const {
  return any_contains(sip.lan, address);
}

bool Snapshot::is_client(const IpAddress& address) const {
  return any_contains(sip.clients, address);
}

void Snapshot::order_zones() {
  zone_networks_.clear();
  for (std::size_t i = 0; i < zones.size(); ++i)
    for (const Network& network : zones[i].networks) zone_networks_.emplace_back(network, i);
  std::stable_sort(zone_networks_.begin(), zone_networks_.end(),
                   [](const auto& a, const auto& b) { return a.first.prefix_length() > b.first.prefix_length(); });
}

const Zone* Snapshot::zone_of(const IpAddress& address) const {
  for (const auto& [network, zone] : zone_networks_)
    if (network.contains(address)) return &zones[zone];
  return nullptr;
}

Workarounds Snapshot::workarounds_of_agent(std::string_view agent) const {
  Workarounds all = 0;
  if (agent.empty()) return all;
  for (const Device& device : devices)
    if (matches(device.user_agent, agent)) all |= device.workarounds;
  return all;
}

const Peer* Snapshot::peer_at(const IpAddress& address) const {
  for (const Peer& peer : peers)
    for (const Network& network : peer.networks)
      if (network.contains(address)) return &peer;
  return nullptr;
}

namespace {

/// Up to eight letters in one number, the first in the lowest octet.
std::uint64_t letters_of(std::string_view text) {
  std::uint64_t letters = 0;
  if (std::endian::native == std::endian::little && text.size() >= sizeof letters) {
    std::memcpy(&letters, text.data(), sizeof letters);
    return fold_case(letters);
  }
  for (std::size_t i = std::min<std::size_t>(text.size(), sizeof letters); i-- > 0;)
    letters = letters << 8 | static_cast<unsigned char>(lower(text[i]));
  return letters;
}

/// A number for the first four of these letters, which others may share.
std::size_t number_of_four(std::uint64_t letters) {
  return (static_cast<std::uint32_t>(letters) * 0x9e3779b1U) >> 24;
}

}  // namespace

void Snapshot::prepare_scanners() {
  scanner_beginnings_.clear();
  scanner_initials_.reset();
  for (const std::string& pattern : guard.scanners) {
    const std::size_t size = std::min<std::size_t>(pattern.find_first_of("*?"), 8);
    const std::string_view beginning = std::string_view(pattern).substr(0, size);
    const std::uint64_t all = ~std::uint64_t{0};
    const std::uint64_t mask = beginning.empty() ? 0 : all >> (64 - 8 * beginning.size());
    scanner_beginnings_.push_back({letters_of(beginning), mask});
    if (beginning.size() >= 4)
      scanner_initials_.set(number_of_four(letters_of(beginning)));
    else
      scanner_initials_.set();
  }
}

bool Snapshot::is_scanner(std::string_view agent) const {
  const std::vector<std::string>& patterns = guard.scanners;
  const Beginning* const prepared =
      scanner_beginnings_.size() == patterns.size() ? scanner_beginnings_.data() : nullptr;
  const std::uint64_t letters = letters_of(agent);
  if (prepared != nullptr && !scanner_initials_[number_of_four(letters)]) return false;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (prepared != nullptr && (letters & prepared[i].mask) != prepared[i].letters) continue;
    if (matches(patterns[i], agent)) return true;
  }
  return false;
}

Workarounds Snapshot::workarounds_of_site(std::string_view host) const {
  Workarounds all = 0;
  for (const Site& site : sites)
    for (const std::string& domain : site.domains)
      if (matches(domain, host)) all |= site.workarounds;
  return all;
}

}  // namespace bellhop::config
