#include "config/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "config/kinds.hpp"
#include "config/suggestion.hpp"
#include "crypto/tls_identity.hpp"

namespace bellhop::config {

namespace {

/// Refuses the second use of a name and says where the first one is.
class Once {
 public:
  Once(std::vector<Finding>& findings, std::string_view what) : findings_(findings), what_(what) {}
  void use(const std::string& name, Place place) {
    const auto [first, fresh] = seen_.emplace(name, place);
    if (!fresh)
      findings_.push_back({place, fmt::format("{} {} is declared twice; the first is in line {}, so remove one of them",
                                              what_, name, first->second.line)});
  }

 private:
  std::vector<Finding>& findings_;
  std::string_view what_;
  std::map<std::string, Place> seen_;
};

bool has_certificate(const Snapshot& s) {
  return !s.tls.certificate.empty() ||
         std::any_of(s.domains.begin(), s.domains.end(), [](const Domain& d) { return !d.certificate.empty(); });
}

bool has_secure_listener(const Snapshot& s) {
  return std::any_of(s.listen.begin(), s.listen.end(), [](const Listen& l) { return sip::is_secure(l.transport); });
}

void check_listeners(const Snapshot& s, const Places& places, std::vector<Finding>& findings) {
  if (s.listen.empty())
    findings.push_back(
        {{1, 1}, "no [[listen]] section; add one, like transport = \"udp\", address = \"0.0.0.0:5060\""});
  Once listeners(findings, "listener");
  for (std::size_t i = 0; i < s.listen.size(); ++i) {
    const Listen& l = s.listen[i];
    listeners.use(fmt::format("{} {}", sip::param_name(l.transport), l.address.to_string()),
                  places.of(fmt::format("listen.{}.address", i)));
    if (sip::is_secure(l.transport) && !has_certificate(s))
      findings.push_back(
          {places.of(fmt::format("listen.{}.transport", i)),
           fmt::format("transport \"{}\" needs a certificate; add [tls] with certificate = \"server.pem\" "
                       "and key = \"server.key\"",
                       sip::param_name(l.transport))});
    if (l.client_certificate != ClientCertificate::none && !sip::is_secure(l.transport))
      findings.push_back(
          {places.of(fmt::format("listen.{}.client_certificate", i)),
           fmt::format("only tls and wss listeners can ask for a certificate, and this one is {}; take it out",
                       sip::param_name(l.transport))});
  }
}

/// The files are read where a listener needs them.
void check_pair(const std::string& certificate, const std::string& key, bool needed, const std::string& section,
                const Places& places, std::vector<Finding>& findings) {
  if (certificate.empty() == key.empty()) {
    if (certificate.empty() || !needed) return;
    if (const auto usable = crypto::check_identity(certificate, key); !usable)
      findings.push_back({places.of(section + ".certificate"), usable.error()});
    return;
  }
  const std::string_view there = key.empty() ? "certificate" : "key", missing = key.empty() ? "key" : "certificate";
  findings.push_back({places.of(fmt::format("{}.{}", section, there)),
                      fmt::format("a {} needs its {}; add {} = \"...\"", there, missing, missing)});
}

void check_tls(const Snapshot& s, const Places& places, std::vector<Finding>& findings) {
  const bool needed = has_secure_listener(s);
  const bool to_be_made =
      s.tls.self_signed && !std::filesystem::exists(s.tls.certificate) && !std::filesystem::exists(s.tls.key);
  check_pair(s.tls.certificate, s.tls.key, needed && !to_be_made, "tls", places, findings);
  for (std::size_t i = 0; i < s.domains.size(); ++i)
    check_pair(s.domains[i].certificate, s.domains[i].key, needed, fmt::format("domain.{}", i), places, findings);
  Once hosts(findings, "host");
  for (std::size_t i = 0; i < s.hosts.size(); ++i)
    hosts.use(s.hosts[i].name, places.of(fmt::format("host.{}.name", i)));
  Once peers(findings, "peer");
  for (std::size_t i = 0; i < s.peers.size(); ++i) {
    const Place place = places.of(fmt::format("peer.{}.name", i));
    peers.use(s.peers[i].name, place);
    if (s.peers[i].certificates.empty() && s.peers[i].networks.empty())
      findings.push_back({place, fmt::format("peer {} cannot be known; give it certificates = [\"its.domain\"] or "
                                             "networks = [\"192.0.2.0/24\"]",
                                             s.peers[i].name)});
  }
}

void check_zones(const Snapshot& s, const Places& places, std::vector<Finding>& findings) {
  Once names(findings, "zone"), networks(findings, "network");
  for (std::size_t i = 0; i < s.zones.size(); ++i) {
    names.use(s.zones[i].name, places.of(fmt::format("zone.{}.name", i)));
    for (const Network& network : s.zones[i].networks)
      networks.use(network.to_string(), places.of(fmt::format("zone.{}.networks", i)));
    for (const Endpoint& endpoint : s.zones[i].listeners) {
      const bool there =
          std::any_of(s.listen.begin(), s.listen.end(), [&](const Listen& l) { return l.address == endpoint; });
      if (!there)
        findings.push_back(
            {places.of(fmt::format("zone.{}.listeners", i)),
             fmt::format("no [[listen]] section has the address \"{}\"; add it, or write one that is there",
                         endpoint.to_string())});
    }
  }
}

void check_domains(const Snapshot& s, const Places& places, std::vector<Finding>& findings) {
  Once names(findings, "domain");
  for (std::size_t i = 0; i < s.domains.size(); ++i) {
    names.use(s.domains[i].name, places.of(fmt::format("domain.{}.name", i)));
    for (const std::string& alias : s.domains[i].aliases)
      names.use(alias, places.of(fmt::format("domain.{}.aliases", i)));
  }
}

void check_domain_exists(const Snapshot& s, const std::string& name, Place place, std::vector<Finding>& findings) {
  std::vector<std::string_view> known;
  for (const Domain& d : s.domains) {
    if (d.name == name) return;
    known.push_back(d.name);
  }
  findings.push_back(
      {place, fmt::format("there is no [[domain]] with the name \"{}\"; add it{}", name, did_you_mean(name, known))});
}

void check_names(const Snapshot& s, const Places& places, std::vector<Finding>& findings) {
  Once names(findings, "address");
  // As in the store: names of accounts and aliases ignore case, whatever the registrar's rule for bindings is.
  const auto address = [](const std::string& user, const std::string& domain) { return to_lower(user) + "@" + domain; };
  for (std::size_t i = 0; i < s.accounts.size(); ++i) {
    const StaticAccount& a = s.accounts[i];
    check_domain_exists(s, a.domain, places.of(fmt::format("account.{}.domain", i)), findings);
    names.use(address(a.user, a.domain), places.of(fmt::format("account.{}.user", i)));
    for (const std::string& alias : a.aliases)
      names.use(address(alias, a.domain), places.of(fmt::format("account.{}.aliases", i)));
  }
  for (std::size_t i = 0; i < s.aliases.size(); ++i) {
    const StaticAlias& a = s.aliases[i];
    check_domain_exists(s, a.domain, places.of(fmt::format("alias.{}.domain", i)), findings);
    names.use(address(a.name, a.domain), places.of(fmt::format("alias.{}.name", i)));
    if (address(a.name, a.domain) == address(a.target, a.domain))
      findings.push_back(
          {places.of(fmt::format("alias.{}.target", i)), "this alias stands for itself; write another target"});
  }
}

void check_order(Duration low, std::string_view low_key, Duration high, std::string_view high_key, const Places& places,
                 std::vector<Finding>& findings) {
  if (low <= high) return;
  findings.push_back({places.of(std::string(low_key)),
                      fmt::format("{} ({}) is longer than {} ({}); make it shorter or the other longer", low_key,
                                  print_duration(low), high_key, print_duration(high))});
}

void check_limits(const Snapshot& s, const Places& places, std::vector<Finding>& findings) {
  const Registrar& r = s.registrar;
  check_order(r.min_expires, "registrar.min_expires", r.default_expires, "registrar.default_expires", places, findings);
  check_order(r.default_expires, "registrar.default_expires", r.max_expires, "registrar.max_expires", places, findings);
  check_order(s.sip.t1, "sip.t1", s.sip.t2, "sip.t2", places, findings);
  if (s.sip.max_header_block > s.sip.max_message_size)
    findings.push_back({places.of("sip.max_header_block"),
                        "sip.max_header_block is larger than sip.max_message_size; "
                        "make it smaller or the other larger"});
  if (!s.auth.sha256 && !s.auth.md5)
    findings.push_back({places.of("auth.sha256"),
                        "auth.sha256 and auth.md5 are both false, so nobody could log in; "
                        "leave one of them on"});
  if (s.admin.http && !s.admin.http->address.is_loopback())
    findings.push_back(
        {places.of("admin.http"), fmt::format("admin.http = \"{}\" could be reached from outside and has no "
                                              "password yet; loopback only, like \"127.0.0.1:{}\"",
                                              s.admin.http->to_string(), s.admin.http->port)});
}

bool asks_for_certificates(const Snapshot& s) {
  return std::any_of(s.listen.begin(), s.listen.end(), [](const Listen& l) {
    return sip::is_secure(l.transport) && l.client_certificate != ClientCertificate::none;
  });
}

void doubt_peers(const Snapshot& s, const Places& places, std::vector<Finding>& findings) {
  if (asks_for_certificates(s)) return;
  for (std::size_t i = 0; i < s.peers.size(); ++i)
    if (!s.peers[i].certificates.empty())
      findings.push_back({places.of(fmt::format("peer.{}.certificates", i)),
                          fmt::format("no tls or wss listener asks for certificates, so {} is not known when it "
                                      "connects; set client_certificate = \"optional\" in a [[listen]]",
                                      s.peers[i].name)});
}

}  // namespace

Place Places::of(std::string name) const {
  for (;;) {
    if (const auto found = places_.find(name); found != places_.end()) return found->second;
    const auto dot = name.rfind('.');
    if (dot == std::string::npos) return {1, 1};
    name.resize(dot);
  }
}

std::vector<Finding> contradictions(const Snapshot& snapshot, const Places& places) {
  std::vector<Finding> findings;
  check_listeners(snapshot, places, findings);
  check_tls(snapshot, places, findings);
  check_zones(snapshot, places, findings);
  check_domains(snapshot, places, findings);
  check_names(snapshot, places, findings);
  check_limits(snapshot, places, findings);
  return findings;
}

std::vector<Finding> doubts(const Snapshot& snapshot, const Places& places) {
  std::vector<Finding> findings;
  if (snapshot.sip.timer_c <= 3min)
    findings.push_back(
        {places.of("sip.timer_c"), "sip.timer_c should be more than 3m (RFC 3261 section 16.6 item 11)"});
  if (snapshot.sip.relay == RelayFor::anybody)
    findings.push_back({places.of("sip.relay"), "sip.relay = \"anybody\" makes this server an open relay"});
  if (snapshot.sip.relay == RelayFor::clients && snapshot.sip.clients.empty())
    findings.push_back({places.of("sip.relay"), "sip.relay = \"clients\" without sip.clients relays for nobody"});
  for (std::size_t i = 0; i < snapshot.domains.size(); ++i)
    if (snapshot.domains[i].authenticate == Authenticate::none)
      findings.push_back({places.of(fmt::format("domain.{}.authenticate", i)),
                          fmt::format("anybody can register as any user of {}", snapshot.domains[i].name)});
  doubt_peers(snapshot, places, findings);
  return findings;
}

}  // namespace bellhop::config
