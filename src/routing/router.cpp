#include "routing/router.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace bellhop::routing {

using observe::Step;

namespace {

constexpr int max_aliases = 10;

void refuse(Decision& decision, sip::StatusCode status, const char* reason = "") {
  decision.refused = true;
  decision.refusal = {status, reason};
}

/// RFC 3261 section 8.2.1: a 405 names the methods that would have done; none that we know by name is an empty Allow.
std::string allow_line(const std::vector<location::Binding>& bindings) {
  std::string line = "Allow:";
  for (unsigned i = 0; i < static_cast<unsigned>(sip::Method::other); ++i) {
    const auto method = static_cast<sip::Method>(i);
    if (std::none_of(bindings.begin(), bindings.end(), [&](const auto& binding) { return binding.accepts(method); })) continue;
    line.append(line.ends_with(':') ? " " : ", ").append(sip::name_of(method));
  }
  return line + "\r\n";
}

/// An alias target: a URI, "user@domain", or a bare user of the alias's own domain.
std::string target_uri_of(std::string_view target, std::string_view domain) {
  if (starts_with_ignore_case(target, "sip:") || starts_with_ignore_case(target, "sips:") || starts_with_ignore_case(target, "tel:"))
    return std::string(target);
  if (target.find('@') != std::string_view::npos) return fmt::format("sip:{}", target);
  return fmt::format("sip:{}@{}", target, domain);
}

bool has_dot_or_is_address(std::string_view host) {
  return host.find('.') != std::string_view::npos || IpAddress::parse(host).has_value();
}

}  // namespace

Destination destination_of(const location::Binding& binding) {
  Destination destination;
  destination.uri = binding.contact;
  destination.routes = binding.path;
  destination.q = binding.q;
  destination.binding = binding.id;
  destination.expires = binding.expires;
  // RFC 3327: with a Path the first hop is not ours to choose. A connection is the only sure way back to whoever opened it
  // (baresip's Contact names a port nobody connects to); a phone behind NAT hears only its own mapping.
  if (binding.path.empty() && (binding.natted || (binding.flow.is_stream() && binding.flow.stream.valid())))
    destination.flow = binding.flow;
  return destination;
}

Decision Router::route(std::string_view target_uri, sip::Method method, const config::Snapshot& config, TimePoint now,
                       observe::DecisionRecord& record) const {
  Decision decision;
  std::string uri_text(target_uri);
  for (int hop = 0; hop < max_aliases; ++hop) {
    const auto uri = sip::parse_uri(uri_text);
    if (!uri || uri->scheme == sip::Scheme::other) {
      refuse(decision, uri ? 416 : 400, uri ? "" : "Bad Request-URI");
      return decision;
    }
    auto address = resolve_address(*uri, config, directory_);
    if (!address) {
      decision.refused = true;
      decision.refusal = address.error();
      return decision;
    }
    if (!address->local()) {
      decision.by_rule = hop > 0;
      route_remote(*address, config, record, decision);
      return decision;
    }
    if (address->user.empty()) {
      record.note(Step::routing, "484", address->host);
      refuse(decision, 484);
      return decision;
    }
    const auto alias = directory_.alias(address->user, address->local_name());
    if (!alias) {
      route_local(*address, method, config, now, record, decision);
      return decision;
    }
    record.note(Step::alias, "alias", *alias);
    uri_text = target_uri_of(*alias, address->local_name());
  }
  record.note(Step::alias, "482", "aliases chase each other");
  refuse(decision, 482);
  return decision;
}

void Router::route_local(const Address& address, sip::Method method, const config::Snapshot& config, TimePoint now,
                         observe::DecisionRecord& record, Decision& decision) const {
  decision.domain = address.domain;
  std::vector<location::Binding> bindings;
  if (!table_.find(binding_key(address.user, address.local_name(), config.registrar), now, bindings)) {
    const bool known = directory_.account(address.user, address.local_name()).has_value();
    record.note(Step::location, known ? "480" : "404", address.user);
    refuse(decision, known ? 480 : 404);
    return;
  }
  const std::size_t registered = bindings.size();
  if (config.registrar.method_filtering) {
    const auto refusing = std::stable_partition(bindings.begin(), bindings.end(), [&](const auto& b) { return b.accepts(method); });
    if (refusing == bindings.begin()) {
      record.note(Step::location, "405", address.user);
      refuse(decision, 405);
      decision.refusal.headers = allow_line(bindings);
      return;
    }
    bindings.erase(refusing, bindings.end());
  }
  if (!config.registrar.parallel_forking) bindings.resize(1);
  decision.destinations.reserve(bindings.size());
  for (const location::Binding& binding : bindings) decision.destinations.push_back(destination_of(binding));
  record.note(Step::location, "found", fmt::format(FMT_STRING("{} of {} bindings"), bindings.size(), registered));
}

void Router::route_remote(const Address& address, const config::Snapshot& config, observe::DecisionRecord& record,
                          Decision& decision) const {
  if (!has_dot_or_is_address(address.host)) {
    record.note(Step::routing, "404", address.host);
    refuse(decision, 404);
    return;
  }
  decision.to_remote = true;
  Destination destination;
  destination.uri = address.uri;
  destination.transport = address.transport;
  if (!config.sip.relay_via.empty() && !address.explicit_route && !address.transport) {
    const bool is_uri = starts_with_ignore_case(config.sip.relay_via, "sip:") || starts_with_ignore_case(config.sip.relay_via, "sips:");
    destination.routes = is_uri ? fmt::format("<{}>", config.sip.relay_via) : fmt::format("<sip:{};lr>", config.sip.relay_via);
    record.note(Step::routing, "relay via", config.sip.relay_via);
  } else {
    record.note(Step::routing, "remote", address.host);
  }
  decision.destinations.push_back(std::move(destination));
}

}  // namespace bellhop::routing
