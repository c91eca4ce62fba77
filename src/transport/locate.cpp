#include "transport/locate.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>

#include "base/random.hpp"
#include "base/text.hpp"
#include "net/answer_cache.hpp"

namespace bellhop::transport {

namespace {

using net::NaptrRecord;
using net::RecordType;
using net::SrvRecord;
using sip::Transport;

/// The transports with SRV records, in the order we prefer them where the domain does not say (section 4.1).
constexpr std::array by_preference = {Transport::tls, Transport::tcp, Transport::udp};

std::string_view service_prefix(Transport transport) {
  switch (transport) {
    case Transport::tls: return "_sips._tcp.";
    case Transport::tcp: return "_sip._tcp.";
    case Transport::udp: return "_sip._udp.";
    case Transport::ws:
    case Transport::wss: break;
  }
  return {};
}

/// The transport of a NAPTR service, if it is one we ask for: SIP+D2W and SIPS+D2W are for browsers (RFC 7118
/// section 8.1).
std::optional<Transport> transport_of(const NaptrRecord& record) {
  if (!equals_ignore_case(record.flags, "s")) return std::nullopt;
  if (equals_ignore_case(record.service, "SIPS+D2T")) return Transport::tls;
  if (equals_ignore_case(record.service, "SIP+D2T")) return Transport::tcp;
  if (equals_ignore_case(record.service, "SIP+D2U")) return Transport::udp;
  return std::nullopt;
}

/// One priority in the order RFC 2782 draws by weight. A weight of 0 has a small chance beside others, as there;
/// without one the shares are exactly proportional, which the RFC's draw from 0 is not (errata 2984, 8120).
void shuffle(std::span<SrvRecord> equals, Random& random) {
  // "Any order" for those of weight 0, which come first in the running sum.
  auto heavy = std::stable_partition(equals.begin(), equals.end(), [](const SrvRecord& r) { return r.weight == 0; });
  for (auto left = heavy - equals.begin(); left > 1; --left)
    std::swap(equals[static_cast<std::size_t>(left) - 1], equals[random.below(static_cast<std::uint64_t>(left))]);
  for (auto next = equals.begin(); next + 1 < equals.end(); ++next) {
    std::uint64_t sum = 0;
    for (auto r = next; r != equals.end(); ++r) sum += r->weight;
    if (sum == 0) return;
    std::uint64_t draw = next->weight == 0 ? random.below(sum + 1) : 1 + random.below(sum);
    auto chosen = next;
    while (draw > chosen->weight) draw -= (chosen++)->weight;
    std::rotate(next, chosen, chosen + 1);
  }
}

std::vector<SrvRecord> in_order(std::vector<SrvRecord> records, Random& random) {
  std::sort(records.begin(), records.end());
  for (auto from = records.begin(); from != records.end();) {
    const auto to = std::find_if(from, records.end(), [&](const SrvRecord& r) { return r.priority != from->priority; });
    shuffle({from, to}, random);
    from = to;
  }
  return records;
}

class Locator {
 public:
  Locator(const NextHop& hop, const std::vector<config::Host>& hosts, const Reach& reach, const Lookup& lookup,
          std::uint64_t seed)
      : hop_(hop), hosts_(hosts), reach_(reach), lookup_(lookup), seed_(seed) {}

  Location run();

 private:
  bool agree_on_transport();
  bool locally(Transport chosen);
  void by_name(Transport chosen, std::string_view name);
  void by_pointers(std::string_view name);
  void by_services(std::string_view name);
  bool services(Transport transport, std::string_view name);
  void host(Transport transport, std::string_view name, std::uint16_t port);
  void add(Transport transport, const IpAddress& address, std::uint16_t port);
  [[nodiscard]] Transport chosen_transport() const;
  [[nodiscard]] net::AnswerPtr ask(RecordType type, std::string_view name);
  [[nodiscard]] const config::Host* configured(std::string_view name) const;
  [[nodiscard]] bool decided() const { return !found_.targets.empty() || !found_.questions.empty(); }

  const NextHop& hop_;
  const std::vector<config::Host>& hosts_;
  const Reach& reach_;
  const Lookup& lookup_;
  const std::uint64_t seed_;
  std::optional<Random> random_;        ///< made when chance is needed
  std::optional<Transport> transport_;  ///< the one the hop names
  std::size_t services_ = 0;            ///< SRV targets looked at
  bool failed_ = false;                 ///< some look-up failed
  bool out_of_reach_ = false;           ///< something is there that we cannot send to
  std::string server_name_;             ///< whom TLS is to prove: the host before any look-up
  Location found_;
};

/// RFC 3261 section 26.2.2 and RFC 5630: sips over TCP is TLS, and over UDP it is not.
bool Locator::agree_on_transport() {
  transport_ = hop_.transport;
  if (!hop_.secure || !transport_ || sip::is_secure(*transport_)) return true;
  if (*transport_ == Transport::udp) return false;
  transport_ = *transport_ == Transport::ws ? Transport::wss : Transport::tls;
  return true;
}

/// UDP for sip, TLS for sips (section 4.1), and TCP where we speak no UDP.
Transport Locator::chosen_transport() const {
  if (transport_) return *transport_;
  if (hop_.secure) return Transport::tls;
  return reach_.any(Transport::udp) ? Transport::udp : Transport::tcp;
}

void Locator::by_name(Transport chosen, std::string_view name) {
  const bool fixed = transport_ || hop_.secure || hop_.port != 0;
  if (fixed && !reach_.any(chosen)) {
    out_of_reach_ = true;
  } else if (hop_.port != 0) {
    host(chosen, name, hop_.port);
  } else if (transport_) {
    const std::string_view prefix = service_prefix(chosen);
    const bool any = !prefix.empty() && services(chosen, std::string(prefix).append(name));
    if (!any && !decided()) host(chosen, name, sip::default_port(chosen));
  } else {
    by_pointers(name);
    if (!decided()) by_services(name);
  }
}

Location Locator::run() {
  if (agree_on_transport()) {
    const Transport chosen = chosen_transport();
    if (const auto literal = IpAddress::parse(hop_.host)) {
      if (sip::is_secure(chosen)) server_name_ = literal->to_string();
      add(chosen, *literal, hop_.port_or_default(chosen));
    } else {
      const net::HostKey name(hop_.host);
      server_name_ = name.view();
      if (!locally(chosen) && name.valid()) by_name(chosen, name.view());
    }
  } else {
    out_of_reach_ = true;
  }
  using Outcome = Location::Outcome;
  if (!found_.questions.empty()) {
    found_.targets.clear();
    found_.outcome = Outcome::questions;
  } else if (!found_.targets.empty()) {
    found_.outcome = Outcome::targets;
  } else {
    found_.outcome = out_of_reach_ ? Outcome::no_transport : failed_ ? Outcome::no_answer : Outcome::no_such_host;
  }
  return std::move(found_);
}

const config::Host* Locator::configured(std::string_view name) const {
  if (name.ends_with('.')) name.remove_suffix(1);
  for (const config::Host& host : hosts_)
    if (equals_ignore_case(host.name, name)) return &host;
  return nullptr;
}

/// A host of the configuration stands for all of DNS: its port is to the URI what that of an SRV record would be.
bool Locator::locally(Transport chosen) {
  const config::Host* host = configured(hop_.host);
  if (host == nullptr) return false;
  for (const Endpoint& endpoint : host->addresses)
    add(chosen, endpoint.address,
        hop_.port != 0       ? hop_.port
        : endpoint.port != 0 ? endpoint.port
                             : sip::default_port(chosen));
  return true;
}

/// Section 4.1. Once an Order leads somewhere no other is considered (RFC 3403 section 4.1); its Preferences are the
/// order to try. The replacement may lie in another domain.
void Locator::by_pointers(std::string_view name) {
  const auto answer = ask(RecordType::naptr, name);
  if (!answer) return;
  std::vector<NaptrRecord> records = answer->pointers;
  std::sort(records.begin(), records.end());
  std::optional<std::uint16_t> order;
  for (const NaptrRecord& record : records) {
    const auto transport = transport_of(record);
    if (!transport || (hop_.secure && !sip::is_secure(*transport)) || !reach_.any(*transport)) continue;
    if (order && *order != record.order && decided()) return;
    order = record.order;
    if (const net::HostKey replacement(record.replacement); replacement.valid())
      services(*transport, replacement.view());
  }
}

/// Without NAPTR records that lead anywhere: each transport's SRV records, all asked for at once; then the name itself.
void Locator::by_services(std::string_view name) {
  bool any = false;
  for (const Transport transport : by_preference) {
    if ((hop_.secure && !sip::is_secure(transport)) || !reach_.any(transport)) continue;
    any = services(transport, std::string(service_prefix(transport)).append(name)) || any;
  }
  const Transport chosen = chosen_transport();
  if (!any && !decided()) host(chosen, name, sip::default_port(chosen));
}

/// Targets by the SRV records of `name`. False when it has none.
bool Locator::services(Transport transport, std::string_view name) {
  const auto answer = ask(RecordType::srv, name);
  if (!answer || answer->services.empty()) return false;
  if (!random_) random_.emplace(seed_);
  for (const SrvRecord& record : in_order(answer->services, *random_)) {
    if (record.target.empty()) continue;  // RFC 2782: the service is decidedly not available
    if (services_ == most_services) break;
    ++services_;
    host(transport, record.target, record.port);
  }
  return true;
}

void Locator::host(Transport transport, std::string_view name, std::uint16_t port) {
  const net::HostKey key(name);
  if (!key.valid()) return;
  if (!reach_.any(transport)) {
    out_of_reach_ = true;
    return;
  }
  if (const config::Host* local = configured(name)) {
    for (const Endpoint& endpoint : local->addresses) add(transport, endpoint.address, port);
  } else if (const auto answer = ask(RecordType::address, key.view())) {
    for (const IpAddress& address : answer->addresses) add(transport, address, port);
  }
}

void Locator::add(Transport transport, const IpAddress& address, std::uint16_t port) {
  const Endpoint endpoint{address, port};
  if (!reach_.to(transport, address.is_v6()) || !is_sendable(endpoint)) {
    out_of_reach_ = true;
    return;
  }
  const bool known = std::any_of(found_.targets.begin(), found_.targets.end(),
                                 [&](const Target& t) { return t.transport == transport && t.endpoint == endpoint; });
  if (known || found_.targets.size() == most_targets) return;
  found_.targets.push_back({transport, endpoint, transport_.has_value() || hop_.secure, {}});
  if (sip::is_secure(transport)) found_.targets.back().server_name = server_name_;
}

net::AnswerPtr Locator::ask(RecordType type, std::string_view name) {
  auto answer = lookup_(type, name);
  if (!answer) {
    net::Question question{type, std::string(name)};
    if (std::find(found_.questions.begin(), found_.questions.end(), question) == found_.questions.end())
      found_.questions.push_back(std::move(question));
  } else if (answer->outcome == net::Answer::Outcome::failed) {
    failed_ = true;
  }
  return answer;
}

}  // namespace

Reach::Reach(const std::vector<config::Listen>& listeners) {
  for (const config::Listen& listen : listeners)
    if (!sip::is_websocket(listen.transport)) add(listen.transport, listen.address.address.is_v6());
}

Location locate(const NextHop& hop, const std::vector<config::Host>& hosts, const Reach& reach, const Lookup& lookup,
                std::uint64_t seed) {
  return Locator(hop, hosts, reach, lookup, seed).run();
}

std::optional<Target> plain_target(const sip::Uri& uri, const Reach& reach) {
  if (uri.scheme != sip::Scheme::sip) return std::nullopt;
  if (!uri.parameters.empty() && (uri.parameter("transport") || uri.parameter("maddr"))) return std::nullopt;
  const auto address = IpAddress::parse(uri.host);
  if (!address || !reach.to(Transport::udp, address->is_v6())) return std::nullopt;
  const Endpoint endpoint{*address, uri.has_port ? uri.port : sip::default_port(Transport::udp)};
  if (!is_sendable(endpoint)) return std::nullopt;
  return Target{.transport = Transport::udp, .endpoint = endpoint};
}

}  // namespace bellhop::transport
