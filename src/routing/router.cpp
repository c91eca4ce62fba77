#include "routing/router.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

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
std::string allow_line(std::span<const location::BindingView> bindings) {
  std::string line = "Allow:";
  for (unsigned i = 0; i < static_cast<unsigned>(sip::Method::other); ++i) {
    const auto method = static_cast<sip::Method>(i);
    if (std::none_of(bindings.begin(), bindings.end(), [&](const auto& binding) { return binding.accepts(method); }))
      continue;
    line.append(line.ends_with(':') ? " " : ", ").append(sip::name_of(method));
  }
  return line + "\r\n";
}

/// An alias target: a URI, "user@domain", or a bare user of the alias's own domain.
std::string target_uri_of(std::string_view target, std::string_view domain) {
  if (starts_with_ignore_case(target, "sip:") || starts_with_ignore_case(target, "sips:") ||
      starts_with_ignore_case(target, "tel:"))
    return std::string(target);
  if (target.find('@') != std::string_view::npos) return fmt::format("sip:{}", target);
  return fmt::format("sip:{}@{}", target, domain);
}

bool has_dot_or_is_address(std::string_view host) {
  return host.find('.') != std::string_view::npos || IpAddress::parse(host).has_value();
}

}  // namespace

Destination destination_of(const location::BindingView& binding) {
  Destination destination;
  destination.uri = std::string(binding.contact);  // cheaper than to let an empty string grow
  destination.routes = binding.path;
  destination.q = binding.q;
  destination.binding = binding.id;
  // RFC 3327: with a Path the first hop is not ours to choose. A connection is the only sure way back to whoever opened
  // it (baresip's Contact names a port nobody connects to); a phone behind NAT hears only its own mapping.
  const bool stream_there = binding.flow.is_stream() && binding.flow.stream.valid();
  const bool outbound = binding.reg_id != 0 && binding.path.empty();
  destination.outbound = outbound;
  if (binding.path.empty() &&
      (stream_there || (binding.natted && !outbound) || (outbound && !binding.flow.is_stream())))
    destination.flow = binding.flow;
  return destination;
}

std::vector<Destination> destinations_of(std::span<const location::BindingView> bindings,
                                         const config::Snapshot& config) {
  std::vector<Destination> destinations;
  destinations.reserve(bindings.size());
  std::vector<std::size_t> device(bindings.size() > 1 ? bindings.size()
                                                      : 0);  // whose destination stands for each binding
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    Destination next = destination_of(bindings[i]);
    if (!config.devices.empty()) next.workarounds = config.workarounds_of_agent(bindings[i].user_agent);
    std::size_t same = 0;
    while (same < i && (bindings[i].instance.empty() || bindings[same].instance != bindings[i].instance)) ++same;
    if (same < i) {
      device[i] = device[same];
      destinations[device[i]].alternates.push_back(std::move(next));
      continue;
    }
    if (!device.empty()) device[i] = destinations.size();
    destinations.push_back(std::move(next));
  }
  return destinations;
}

Decision Router::route(const Result<sip::Uri, sip::UriError>& target, sip::Method method,
                       const config::Snapshot& config, TimePoint now, observe::DecisionRecord& record) {
  Decision decision;
  std::string alias_text;
  Result<sip::Uri, sip::UriError> alias_uri = failure(sip::UriError::empty);
  std::optional<Gruus::Device> device;
  for (int hop = 0; hop < max_aliases; ++hop) {
    const auto& uri = hop == 0 ? target : alias_uri;
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
    if (const auto gr = uri->parameter("gr"); gr && !device) {
      if (auto temporary = gruus_.read_temporary(address->user)) {
        record.note(Step::location, "temporary GRUU");
        const bool here =
            !config.registrar.use_domain || temporary->key.ends_with(fmt::format("@{}", address->local_name()));
        if (!here) return refuse(decision, 404), decision;  // of another domain of ours, which may ask for more
        route_local(*address, {std::move(temporary->key), std::move(temporary->device)}, method, config, now, record,
                    decision);
        return decision;
      }
      record.note(Step::location, "GRUU", gr->value);
      device = Gruus::device_of(*gr);
    }
    const auto alias = directory_.alias(address->user, address->local_name());
    if (!alias) {
      const Wanted wanted{binding_key(address->user, address->local_name(), config.registrar), std::move(device)};
      route_local(*address, wanted, method, config, now, record, decision);
      return decision;
    }
    record.note(Step::alias, "alias", *alias);
    alias_text = target_uri_of(*alias, address->local_name());
    alias_uri = sip::parse_uri(alias_text);
  }
  record.note(Step::alias, "482", "aliases chase each other");
  refuse(decision, 482);
  return decision;
}

void Router::route_local(const Address& address, const Wanted& wanted, sip::Method method,
                         const config::Snapshot& config, TimePoint now, observe::DecisionRecord& record,
                         Decision& decision) {
  decision.domain = address.domain;
  decision.callee_user = address.user;
  decision.callee_domain = address.local_name();
  location::Listing& bindings = bindings_;
  using Texts = location::Listing::AgentTexts;
  table_.find(wanted.key, now, bindings, config.devices.empty() ? Texts::left_out : Texts::copied);
  const bool temporary = wanted.device && wanted.device->instance_hash != 0;
  // RFC 5627 section 5.1: one that the device has replaced is no address any more.
  const bool outdated =
      temporary && std::ranges::any_of(bindings.bindings(), [&](const location::BindingView& binding) {
        return gruus_.replaced(*wanted.device, binding);
      });
  if (wanted.device)
    bindings.keep_if([&](const location::BindingView& binding) { return gruus_.matches(*wanted.device, binding); });
  if (bindings.empty()) {
    const bool known = temporary ? !outdated
                                 : (!wanted.device || wanted.device->known) &&
                                       directory_.account(address.user, address.local_name()).has_value();
    record.note(Step::location, known ? "480" : "404", address.user);
    refuse(decision, known ? 480 : 404);
    return;
  }
  const std::size_t registered = bindings.size();
  if (config.registrar.method_filtering) {
    const auto accepts = [method](const location::BindingView& binding) { return binding.accepts(method); };
    if (std::ranges::none_of(bindings.bindings(), accepts)) {
      record.note(Step::location, "405", address.user);
      refuse(decision, 405);
      decision.refusal.headers = allow_line(bindings.bindings());
      return;
    }
    bindings.keep_if(accepts);
  }
  decision.destinations = destinations_of(bindings.bindings(), config);
  if (!config.registrar.parallel_forking) decision.destinations.resize(1);
  std::array<char, 64> found;  // noted for every request to a user of ours
  const char* const end = fmt::format_to(found.data(), FMT_COMPILE("{} of {} bindings"), bindings.size(), registered);
  record.note(Step::location, "found", {found.data(), static_cast<std::size_t>(end - found.data())});
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
  destination.workarounds = config.workarounds_of_site(address.host);
  if (!config.sip.relay_via.empty() && !address.explicit_route && !address.transport) {
    const bool is_uri =
        starts_with_ignore_case(config.sip.relay_via, "sip:") || starts_with_ignore_case(config.sip.relay_via, "sips:");
    destination.routes =
        is_uri ? fmt::format("<{}>", config.sip.relay_via) : fmt::format("<sip:{};lr>", config.sip.relay_via);
    const std::string relay_uri = is_uri ? config.sip.relay_via : "sip:" + config.sip.relay_via;
    if (const auto relay = sip::parse_uri(relay_uri))
      destination.workarounds |= config.workarounds_of_site(relay->host);  // CGP-63
    record.note(Step::routing, "relay via", config.sip.relay_via);
  } else {
    record.note(Step::routing, "remote", address.host);
  }
  decision.destinations.push_back(std::move(destination));
}

}  // namespace bellhop::routing
