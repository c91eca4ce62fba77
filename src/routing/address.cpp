#include "routing/address.hpp"

#include <fmt/format.h>

#include "base/copy_octets.hpp"
#include "base/endpoint.hpp"
#include "base/text.hpp"

namespace bellhop::routing {

namespace {

constexpr int max_percent_hops = 10;

struct Suffix {
  std::string_view text;
  std::optional<sip::Transport> transport;
};

/// Takes one "._udp" like suffix off the host; false when there is none.
bool strip_suffix(std::string& host, Address& address) {
  static constexpr std::string_view via = "._via";
  static const Suffix transports[] = {
      {"._udp", sip::Transport::udp}, {"._tcp", sip::Transport::tcp}, {"._tls", sip::Transport::tls}};
  if (host.ends_with(via)) {
    host.resize(host.size() - via.size());
    address.explicit_route = true;
    return true;
  }
  for (const Suffix& suffix : transports) {
    if (!host.ends_with(suffix.text)) continue;
    host.resize(host.size() - suffix.text.size());
    address.transport = suffix.transport;
    return true;
  }
  return false;
}

/// "[192.0.2.1]" is a way to write an IPv4 domain (CGP-15); IPv6 keeps its brackets, but not the third colon that RFC
/// 3261 allowed by mistake (RFC 5118 section 4.10).
std::string normal_host(std::string_view host) {
  std::string lower_host = to_lower(host);
  if (lower_host.starts_with('[') && lower_host.ends_with(']')) {
    const std::string inner = lower_host.substr(1, lower_host.size() - 2);
    if (const auto address = IpAddress::parse(inner); address && !address->is_v6()) return inner;
    if (inner.find(":::") != std::string::npos)
      if (const auto address = sip::host_address(lower_host)) return address->to_uri_host();
  }
  return lower_host;
}

/// The Request-URI to send: as received but for what the rules changed.
std::string rebuild(const sip::Uri& uri, std::string_view user, std::string_view host, bool changed) {
  if (!changed) return std::string(uri.text);
  std::string out = fmt::format("{}:", uri.scheme_text);
  if (uri.has_user || !user.empty()) {
    out += user;
    if (!uri.password.empty()) fmt::format_to(std::back_inserter(out), ":{}", uri.password);
    out += '@';
  }
  out += host;
  if (uri.has_port) fmt::format_to(std::back_inserter(out), ":{}", uri.port);
  if (!uri.parameters.empty()) fmt::format_to(std::back_inserter(out), ";{}", uri.parameters);
  if (!uri.headers.empty()) fmt::format_to(std::back_inserter(out), "?{}", uri.headers);
  return out;
}

bool find_local(Address& address, std::uint16_t port, const config::Snapshot& config,
                const storage::Directory& directory) {
  address.domain = config.domain_of(address.host);
  const auto literal = IpAddress::parse(address.host);
  // One of our addresses with a port we do not listen on is something else on this host.
  if (literal && address.domain != nullptr && port != 0 && !config.is_own_address(*literal, port)) {
    bool named = false;
    for (const config::Domain& domain : config.domains) named = named || domain.name == address.host;
    if (!named) address.domain = nullptr;
  }
  if (address.domain == nullptr && !literal) address.stored_domain = stored_domain_of(address.host, config, directory);
  return address.local();
}

/// "bob%25example.test@local" (a "%" is written escaped in a URI): the rightmost % becomes @ (CGP-17). False: nothing
/// to do.
bool unpack_percent(std::string& user, std::string& host) {
  constexpr std::string_view escaped = "%25";
  const auto percent = user.rfind(escaped);
  if (percent == std::string::npos || percent == 0) return false;
  const std::string_view tail = std::string_view(user).substr(percent + escaped.size());
  if (tail.empty() || sip::host_length(tail) != tail.size()) return false;
  host = std::string(tail);
  user.resize(percent);
  return true;
}

}  // namespace

std::string stored_domain_of(std::string_view host, const config::Snapshot& config,
                             const storage::Directory& directory) {
  std::string name = to_lower(host);
  if (directory.stored_domain(name)) return name;
  const auto prefix = name.size() - config.without_realm_prefix(name).size();
  name.erase(0, prefix);
  return prefix != 0 && directory.stored_domain(name) ? name : std::string();
}

std::string fold_user(std::string_view user, const config::Registrar& registrar) {
  if (user.find('%') == std::string_view::npos) return registrar.case_sensitive ? std::string(user) : to_lower(user);
  std::string decoded = sip::unescape(user);
  return registrar.case_sensitive ? decoded : to_lower(decoded);
}

std::string binding_key(std::string_view user, std::string_view domain, const config::Registrar& registrar) {
  std::string key;
  key.reserve(user.size() + 1 + domain.size());
  append_binding_key(key, user, domain, registrar);
  return key;
}

void append_binding_key(std::string& out, std::string_view user, std::string_view domain,
                        const config::Registrar& registrar) {
  const std::size_t begin = out.size();
  out.resize(begin + user.size() + (registrar.use_domain ? 1 + domain.size() : 0));
  char* const at = copy_octets(user, out.data() + begin);
  if (!registrar.use_domain) return;
  *at = '@';
  copy_octets(domain, at + 1);
}

/// No escapes, no "._udp" and the like, no IPv6 brackets.
const config::Domain* domain_of_plain(const sip::Uri& uri, const config::Snapshot& config) {
  if (!uri.is_sip() || uri.user.empty() || uri.user.find('%') != std::string_view::npos || uri.host.front() == '[' ||
      uri.host.find('_') != std::string_view::npos)
    return nullptr;
  const config::Domain* const domain = config.domain_of(uri.host);
  const bool by_name = domain != nullptr && (domain->name == uri.host || equals_ignore_case(domain->name, uri.host));
  return by_name ? domain : nullptr;
}

Result<Address, Refusal> resolve_address(const sip::Uri& uri, const config::Snapshot& config,
                                         const storage::Directory& directory) {
  Result<Address, Refusal> resolved;
  Address& address = *resolved;
  if (const config::Domain* domain = domain_of_plain(uri, config)) {
    address.uri = std::string(uri.text);
    address.user = fold_user(uri.user, config.registrar);
    address.host = to_lower(uri.host);
    address.domain = domain;
    return resolved;
  }
  if (uri.scheme == sip::Scheme::tel) {
    if (config.domains.empty()) return failure(Refusal{416});
    address.domain = &config.domains.front();
    address.host = address.domain->name;
    for (const char c : uri.user)
      if (c != '-' && c != '.' && c != '(' && c != ')') address.user += lower(c);
    address.uri = fmt::format("sip:{}@{}", address.user, address.host);
    return resolved;
  }
  std::string raw_user(uri.user);
  address.host = normal_host(uri.host);
  bool changed = !equals_ignore_case(address.host, uri.host);
  std::uint16_t port = uri.port;
  bool port_goes = false;  // what stood behind "%" has its own host and no port
  for (int hop = 0; hop < max_percent_hops; ++hop) {
    while (strip_suffix(address.host, address)) changed = true;
    if (IpAddress::parse(address.host)) address.host = normal_host(address.host);
    if (!find_local(address, port, config, directory) || !unpack_percent(raw_user, address.host)) break;
    changed = port_goes = true;
    port = 0;
    address.domain = nullptr;
    address.stored_domain.clear();
  }
  if (address.host.empty()) return failure(Refusal{400, "Bad Request-URI"});
  address.user = fold_user(raw_user, config.registrar);
  const auto literal = IpAddress::parse(address.host);
  const std::string written_host = literal ? literal->to_uri_host() : address.host;
  sip::Uri shown = uri;
  if (port_goes) shown.has_port = false;
  address.uri = rebuild(shown, raw_user, written_host, changed);
  return resolved;
}

}  // namespace bellhop::routing
