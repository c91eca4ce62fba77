#include "proxy/own_route.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace bellhop::proxy {

using observe::Step;
using sip::HeaderId;

namespace {

/// host[:port] as advertised for one of the listeners.
bool is_advertised(const sip::Uri& uri, const config::Snapshot& config) {
  for (const config::Listen& listen : config.listen) {
    if (listen.advertise.empty()) continue;
    const std::string shown = uri.has_port ? fmt::format("{}:{}", uri.host, uri.port) : std::string(uri.host);
    if (equals_ignore_case(listen.advertise, shown)) return true;
  }
  for (const config::Zone& zone : config.zones) {
    if (zone.advertise.empty()) continue;
    const std::string shown = uri.has_port ? fmt::format("{}:{}", uri.host, uri.port) : std::string(uri.host);
    if (equals_ignore_case(zone.advertise, shown)) return true;
    const auto ours = [&](const config::Listen& l) {
      return l.address.port == uri.port;
    };  // without a port it stands for each listener's
    if (uri.has_port && equals_ignore_case(zone.advertise, uri.host) &&
        std::any_of(config.listen.begin(), config.listen.end(), ours))
      return true;
  }
  return false;
}

std::optional<std::string_view> last_route(const sip::Message& message) {
  std::optional<std::string_view> last;
  message.for_each_value(HeaderId::route, [&](std::string_view value, const sip::HeaderField&) {
    last = value;
    return true;
  });
  return last;
}

request::Refusal broken_route() {
  return {400, "Bad Route", {}};
}

}  // namespace

bool names_us(const sip::Uri& uri, const config::Snapshot& config) {
  if (!uri.is_sip()) return false;
  if (const auto address = IpAddress::parse(uri.host))
    return config.is_own_address(*address, uri.port) || is_advertised(uri, config);
  return config.domain_of(uri.host) != nullptr || is_advertised(uri, config);
}

std::optional<request::Refusal> preprocess_routes(request::RequestContext& context, const RouteTokens& tokens) {
  const sip::Message& message = context.message;
  const std::string_view call_id = message.call_id();
  context.target_uri = message.request_uri_text();

  // A Contact that we wrote in place of the phone's own (CGP-67).
  const bool registering = message.method() == sip::Method::register_;  // judged like anybody, whatever it brings
  if (message.request_uri() && !registering)
    if (auto contact = tokens.read_contact(*message.request_uri())) {
      context.set_target(std::move(contact->uri));
      context.route_flow = contact->flow;
      context.by_path = true;
    }

  // A strict router put our Record-Route URI into the Request-URI: the target is the last Route value (section 16.4).
  const auto in_uri = message.request_uri() ? tokens.read(*message.request_uri(), call_id) : RouteTokens::Mark{};
  if (in_uri.ours && !in_uri.path) {
    const auto last = last_route(message);
    if (last) {
      const auto parsed = sip::parse_name_addr(*last);
      if (!parsed) return broken_route();
      context.target_uri = parsed->uri.text;
      context.drop_last_route = true;
      context.in_dialog = true;
    }
  }

  std::size_t total = 0;
  bool broken = false, ours = true, untokened = false;
  message.for_each_value(HeaderId::route, [&](std::string_view value, const sip::HeaderField&) {
    ++total;
    const auto route = sip::parse_name_addr(value);
    if (!route) {
      broken = true;
      return false;
    }
    if (!ours) return true;
    const auto mark = tokens.read(route->uri, call_id);
    ours = mark.ours || names_us(route->uri, context.config);
    if (!ours) return true;
    ++context.own_routes;
    if (mark.path) {  // the end of its way: nothing behind it is ours
      context.by_path = true;
      context.route_flow = mark.flow;
      ours = false;
      return true;
    }
    if (mark.ours)
      context.in_dialog = true;
    else
      untokened = true;
    if (!context.by_path) context.route_flow = mark.flow;  // the last one of ours is the one the end ahead got
    context.epid = mark.epid;
    return true;
  });
  if (broken) return broken_route();
  if (context.drop_last_route && context.own_routes == total && total > 0)
    --context.own_routes;  // the last one became the target
  context.preloaded_route = context.own_routes + (context.drop_last_route ? 1u : 0u) < total;
  // A token means nothing without a dialog: a request that starts one is judged like any other.
  if (message.to_tag().empty() || registering) context.in_dialog = false;
  if (registering) context.by_path = false;
  if (!context.in_dialog && !context.by_path) context.route_flow.reset();
  if (untokened && !context.in_dialog && !message.to_tag().empty() &&
      context.config.sip.record_route == config::RecordRoute::always && message.method() != sip::Method::register_) {
    context.record.note(Step::own_route, "481", "Route to us without our token");
    return request::Refusal{481, "", {}};
  }
  if (context.own_routes > 0 || context.by_path)
    context.record.note(Step::own_route, context.by_path ? "our Path" : context.in_dialog ? "our token" : "ours");
  return std::nullopt;
}

}  // namespace bellhop::proxy
