#include "shard/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "config/texts.hpp"
#include "proxy/own_route.hpp"
#include "request/overload.hpp"
#include "transport/nat.hpp"
#include "transport/reply.hpp"

namespace bellhop::shard {

using observe::Level;
using observe::Tag;
using sip::HeaderId;
using sip::Method;
using Decide = observe::Step;

const std::array<Pipeline::Step, 17> Pipeline::steps{{
    {"match transaction", &Pipeline::match_transaction},
    {"turn away scanners", &Pipeline::turn_away_scanners},
    {"answer CANCEL", &Pipeline::answer_cancel},
    {"check Request-URI", &Pipeline::check_request_uri},
    {"answer own OPTIONS", &Pipeline::answer_own_options},
    {"check Max-Forwards", &Pipeline::check_max_forwards},
    {"check loop", &Pipeline::check_loop},
    {"check Proxy-Require", &Pipeline::check_proxy_require},
    {"take own routes", &Pipeline::take_own_routes},
    {"pass ACK", &Pipeline::pass_ack},
    {"refuse while draining", &Pipeline::refuse_while_draining},
    {"refuse while overloaded", &Pipeline::refuse_while_overloaded},
    {"authenticate", &Pipeline::authenticate},
    {"check identity", &Pipeline::check_identity},
    {"register contacts", &Pipeline::register_contacts},
    {"follow dialog", &Pipeline::follow_dialog},
    {"route", &Pipeline::route},
}};

Pipeline::Pipeline(const Environment& environment)
    : env_(environment),
      requests_(env_.metrics.counter("requests.received")),
      challenges_(env_.metrics.counter("auth.challenges")),
      refusals_(env_.metrics.counter("requests.refused")),
      withheld_(env_.metrics.counter("answers.withheld")),
      scanners_(env_.metrics.counter("guard.scanners")),
      overload_refusals_(env_.metrics.counter("overload.refused")) {}

void Pipeline::on_request(const sip::Message& message, const net::Flow& from, const config::Snapshot& config,
                          TimePoint arrived, TimePoint now) {
  requests_.add();
  own_user_uri_ = {};
  Context context{message, from, config, now};
  context.queue_delay = std::max(Duration::zero(), now - arrived);
  if (!config.devices.empty()) context.sender = config.workarounds_of_agent(message.value_of(HeaderId::user_agent));
  if (from.transport == sip::Transport::tls && sip::ParameterList(message.top_via().parameters).find("alias"))
    env_.transport.note_alias(from,
                              message.top_via().port != 0 ? message.top_via().port : sip::default_port(from.transport));
  context.peer = env_.transport.peer_of(from);
  for (const Step& step : steps) {
    env_.mark.step(step.name);
    if ((this->*step.run)(context) == Next::done) break;
  }
}

// ---- steps: transactions

Pipeline::Next Pipeline::match_transaction(Context& context) {
  using Arrival = transaction::ServerTransactions::Arrival;
  context.transaction_key = env_.servers.key_of(context.message);
  switch (env_.servers.on_request(context.message, context.transaction_key, context.now)) {
    case Arrival::absorbed: return Next::done;
    case Arrival::merged: return refuse(context, 482);
    case Arrival::fresh: break;
  }
  if (context.method() == Method::invite && context.config.sip.always_trying) answer(context, 100, {}, {});
  return Next::go_on;
}

/// RFC 3261 sections 9.2 and 16.10. A CANCEL is never challenged and never forwarded as it is: it ends what its INVITE
/// started.
Pipeline::Next Pipeline::answer_cancel(Context& context) {
  if (context.method() != Method::cancel) return Next::go_on;
  const SlotId invite = env_.servers.find_cancelled(context.message);
  if (!invite.valid()) {
    const auto target =
        context.message.request_uri() ? domain_of(context.message.request_uri()->host, context) : nullptr;
    if (target != nullptr && target->mode == config::ProxyMode::stateless) return Next::go_on;
    return refuse(context, 481);
  }
  answer(context, 200, {}, {});
  if (!env_.servers.answered_finally(invite)) env_.proxy.on_cancel(invite, context.now);
  return Next::done;
}

// ---- steps: RFC 3261 section 16.3

Pipeline::Next Pipeline::check_request_uri(Context& context) {
  const auto& uri = context.message.request_uri();
  if (!uri) {
    if (uri.error() == sip::UriError::too_long) return refuse(context, 414);
    return refuse(context, 400, "Bad Request-URI");
  }
  if (uri->scheme == sip::Scheme::other) return refuse(context, 416);
  return Next::go_on;
}

namespace {

/// What we say of ourselves (RFC 3261 section 11.2).
const std::string& abilities(const config::Registrar& registrar) {
  static const std::array<std::string, 4> lines = [] {
    std::array<std::string, 4> all;
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = fmt::format(
          "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PRACK, UPDATE, SUBSCRIBE, NOTIFY, PUBLISH, INFO, REFER, "
          "MESSAGE\r\n"
          "Accept: application/sdp\r\nAccept-Encoding: identity\r\nAccept-Language: en\r\n"
          "Supported: path{}{}\r\n",
          (i & 1) != 0 ? ", outbound" : "", (i & 2) != 0 ? ", gruu" : "");
    return all;
  }();
  return lines[(registrar.outbound ? 1u : 0u) | (registrar.gruu ? 2u : 0u)];
}

}  // namespace

/// OPTIONS to this server itself, without user: answered before the hop check (RT-05, CUCM-02: pings come with
/// Max-Forwards 0).
Pipeline::Next Pipeline::answer_own_options(Context& context) {
  if (context.method() != Method::options || context.message.has(HeaderId::route)) return Next::go_on;
  const sip::Uri& uri = *context.message.request_uri();
  if (!uri.user.empty() || !(proxy::names_us(uri, context.config) || domain_of(uri.host, context) != nullptr))
    return Next::go_on;
  if (context.message.has(HeaderId::require) || context.message.has(HeaderId::proxy_require)) {
    const bool own = context.message.has(HeaderId::require);
    return refuse(context, {420, "",
                            fmt::format("Unsupported: {}\r\n",
                                        context.message.value_of(own ? HeaderId::require : HeaderId::proxy_require))});
  }
  const auto nothing = [](std::string_view) { return std::string(); };
  answer_anybody(context, 200, "Keepalive", abilities(context.config.registrar), nothing);
  return Next::done;
}

Pipeline::Next Pipeline::check_max_forwards(Context& context) {
  if (context.message.max_forwards().value_or(1) != 0) return Next::go_on;
  // A REGISTER for us, or whatever else we answer ourselves, may have no hops left: only forwarding needs them
  // (section 16.3).
  if (context.method() == Method::register_ && domain_of(context.message.request_uri()->host, context) != nullptr)
    return Next::go_on;
  context.record.note(Decide::max_forwards, "0");
  return refuse(context, 483);
}

Pipeline::Next Pipeline::check_loop(Context& context) {
  if (!env_.proxy.is_loop(context.message)) return Next::go_on;
  context.record.note(Decide::loop, "482");
  return refuse(context, 482);
}

Pipeline::Next Pipeline::check_proxy_require(Context& context) {
  std::string unsupported;
  context.message.for_each_value(HeaderId::proxy_require, [&](std::string_view option, const sip::HeaderField&) {
    if (!unsupported.empty()) unsupported += ", ";
    unsupported += option;
    return true;
  });
  if (unsupported.empty() || context.method() == Method::ack) return Next::go_on;
  context.record.note(Decide::proxy_require, "420", unsupported);
  return refuse(context, {420, "", fmt::format("Unsupported: {}\r\n", unsupported)});
}

Pipeline::Next Pipeline::take_own_routes(Context& context) {
  const auto refusal = proxy::preprocess_routes(context, env_.tokens);
  return refusal ? refuse(context, *refusal) : Next::go_on;
}

// ---- steps: who asks (and admission.cpp)

namespace {
/// Where the request says itself: its target, over the flow that its Route named.
routing::Destination own_target(const request::RequestContext& context) {
  routing::Destination destination;
  destination.uri = std::string(context.target_uri);
  destination.flow = context.route_flow;
  destination.outbound = context.by_path;
  return destination;
}
}  // namespace

/// An ACK is never answered. One for an answer we gave without state ends here; one for a 2xx goes on along its route
/// set (section 16.6, CGP-03); any other goes nowhere a stranger's request would not.
Pipeline::Next Pipeline::pass_ack(Context& context) {
  if (context.method() != Method::ack) return Next::go_on;
  if (env_.proxy.is_own_to_tag(context.message)) return Next::done;
  take_alias(context);
  const bool look_up = !context.preloaded_route && !context.by_path && names_user_of_ours(context);
  if ((context.in_dialog && !look_up) || context.by_path) {
    env_.proxy.forward_statelessly(context, own_target(context), facts_for(context));
    return Next::done;
  }
  const auto decision = env_.router.route(context.target(), Method::ack, context.config, context.now, context.record);
  if (decision.refused || (decision.to_remote && !relay_allowed(context, decision))) {
    env_.log(Tag::sip_server, Level::problems, "ACK dropped source={} target={}", context.from.remote.to_string(),
             quoted_for_log(context.target_uri));
    return Next::done;
  }
  env_.proxy.forward_statelessly(context, decision.destinations.front(), facts_for(context));
  return Next::done;
}

// ---- steps: what it is for

Pipeline::Next Pipeline::register_contacts(Context& context) {
  if (context.method() != Method::register_) {
    if (!context.config.registrar.only) return Next::go_on;
    return refuse(context, 501);  // ARCH-07
  }
  const auto& uri = context.target();
  if (!uri || domain_of(uri->host, context) == nullptr)
    return Next::go_on;  // for another registrar: routed like any request
  if (context.message.to().uri.scheme == sip::Scheme::other)
    return refuse(context, 400, "To Is No SIP URI");  // RFC 3261 section 10.2
  const routing::OwnUser* const to = own_user_of(context.message.to().uri, context);
  if (to == nullptr) return refuse(context, 404);
  std::string& aor = aor_;
  aor.clear();
  // An alias registers for its account, so that one address-of-record holds all its phones.
  const auto target = env_.directory.alias(to->user, to->domain);
  if (target && target->find_first_of("@:") == std::string::npos)
    routing::append_binding_key(aor, routing::fold_user(*target, context.config.registrar), to->domain,
                                context.config.registrar);
  else
    routing::append_binding_key(aor, to->user, to->domain, context.config.registrar);
  const auto& reply = env_.registrar.on_register(context.message, context.from, aor, context.config, env_.lane,
                                                 context.now, context.record, context.sender);
  if (reply.status.success()) {
    if ((context.sender & config::Workaround::tcp_ping) != 0) env_.transport.probe(context.from);
    if (context.from.is_stream() && context.message.has(HeaderId::contact) && !context.message.has(HeaderId::path))
      env_.transport.note_user(context.from, aor);
    answer(context, reply.status, reply.reason, reply.headers);
    if (env_.log.enabled(Tag::registrar, Level::low_level))
      env_.log(Tag::registrar, Level::low_level, "REGISTER {} source={} {}", quoted_for_log(aor),
               context.from.remote.to_string(), context.record.text());
    return Next::done;
  }
  return refuse(context, {reply.status, reply.reason, reply.headers});
}

/// A request inside a dialog that was authorised when it began: along its route set, else to its Request-URI.
Pipeline::Next Pipeline::follow_dialog(Context& context) {
  const sip::Message& message = context.message;
  take_alias(context);
  if (context.by_path) {  // RFC 5626 section 5.3.1: over its flow or not at all
    routing::Decision decision;
    decision.destinations.push_back(own_target(context));
    return pass_on(context, decision);
  }
  if (!context.in_dialog) {
    if (message.to_tag().empty() || context.preloaded_route) return Next::go_on;
    const auto& uri = context.target();
    if (!uri || domain_of(uri->host, context) == nullptr) return Next::go_on;
    return refuse(context, 404, "Not here");  // RT-09
  }
  if (!context.preloaded_route) {
    if (!context.target()) return refuse(context, 400, "Bad Request-URI");
    if (names_user_of_ours(context)) return Next::go_on;
  }
  routing::Decision decision;
  decision.destinations.push_back(own_target(context));
  if (!context.config.sites.empty())
    if (const auto& uri = context.target())
      decision.destinations.front().workarounds = context.config.workarounds_of_site(uri->host);
  return pass_on(context, decision);
}

/// Whether the remote target is a registered user's address, as a GRUU is, and not a phone's: then it is looked up. A
/// phone may well stand on one of our own addresses, with a port of its own.
bool Pipeline::names_user_of_ours(const Context& context) {
  const auto& uri = context.target();
  if (!uri) return false;
  if (uri->port != 0)
    if (const auto literal = sip::host_address(uri->host);
        literal && !context.config.is_own_address(*literal, uri->port))
      return false;
  return domain_of(uri->host, context) != nullptr;
}

/// RT-16: in a dialog a Contact that we marked comes back as Request-URI. Its mark is as new as the last request the
/// phone sent in the dialog; the flow in our Route is that of the first. On connections the flow alone counts: nothing
/// else leads to them.
void Pipeline::take_alias(Context& context) const {
  if (!context.in_dialog || context.by_path || context.preloaded_route || !context.config.nat.contact_alias) return;
  auto alias = proxy::alias_of(context.target_uri);
  if (!alias) return;
  context.set_target(std::move(alias->uri));
  if (!alias->udp || (context.route_flow && context.route_flow->is_stream())) return;
  const net::SocketId socket = context.route_flow ? context.route_flow->socket : context.from.socket;
  if (auto flow = env_.transport.flow_to({sip::Transport::udp, *alias->udp, true}, socket, context.now))
    context.route_flow = *flow;
}

Pipeline::Next Pipeline::route(Context& context) {
  auto decision = env_.router.route(context.target(), context.method(), context.config, context.now, context.record);
  if (!decision.refused && decision.to_remote && !relay_allowed(context, decision)) {
    if (const Next next = authenticate_relay(context); next != Next::go_on) return next;
  }
  if (const Next next = check_rights(context, decision); next != Next::go_on) return next;
  if (const Next next = check_block_list(context, decision); next != Next::go_on) return next;
  if (decision.refused)
    return refuse(context, {decision.refusal.status, decision.refusal.reason, decision.refusal.headers});
  if (!decision.to_remote &&
      !context.in_dialog) {  // RT-01: a Route of the caller's own making does not lead past our users' bindings
    context.own_routes = 0;
    context.preloaded_route = false;
    context.message.for_each_value(
        HeaderId::route, [&](std::string_view, const sip::HeaderField&) { return ++context.own_routes, true; });
  }
  const config::ProxyMode mode = decision.domain != nullptr ? decision.domain->mode : config::ProxyMode::stateful;
  if (mode != config::ProxyMode::stateful) forget_call(context);  // its end will not be heard of
  if (mode == config::ProxyMode::redirect) return redirect(context, decision);
  return pass_on(context, decision);
}

bool Pipeline::relay_allowed(Context& context, const routing::Decision& decision) const {
  if (context.config.sip.relay == config::RelayFor::anybody || decision.by_rule || context.authenticated ||
      context.in_dialog)
    return true;
  if (context.config.sip.relay == config::RelayFor::clients) {
    if (context.config.is_client(context.from.remote.address)) return true;
    if (context.peer != nullptr) {
      context.record.note(Decide::relay_policy, "peer", context.peer->name);
      return true;
    }
  }
  const auto uri = sip::parse_uri(decision.destinations.front().uri);
  const auto address = uri ? IpAddress::parse(uri->host) : std::nullopt;
  return address && context.config.is_client(*address);
}

Pipeline::Next Pipeline::pass_on(Context& context, routing::Decision& decision) {
  const bool stateless = decision.domain != nullptr && decision.domain->mode == config::ProxyMode::stateless;
  if (stateless || context.method() == Method::cancel) {
    env_.proxy.forward_statelessly(context, decision.destinations.front(), facts_for(context));
    return Next::done;
  }
  if (env_.proxy.forward(context, std::move(decision.destinations), facts_for(context))) return Next::done;
  forget_call(context);
  env_.log(Tag::sip_server, Level::problems, "{} dropped source={} reason=\"transaction limit\"",
           context.message.method_text(), context.from.remote.to_string());
  return Next::done;
}

/// Redirect server (RFC 3261 section 8.3, ARCH-12): every binding with its q; no state.
Pipeline::Next Pipeline::redirect(Context& context, const routing::Decision& decision) {
  std::string contacts;
  const auto& asked = context.message.request_uri();
  for (const routing::Destination& d : decision.destinations) {
    const auto uri = sip::parse_uri(d.uri);
    if (asked && uri && sip::equivalent(*asked, *uri)) continue;  // it was there and came here
    contacts.append("Contact: <").append(d.uri).append(">");
    sip::append_q(contacts, d.q);
    contacts.append("\r\n");
  }
  if (contacts.empty()) return refuse(context, 480);
  context.record.note(Decide::routing, "302");
  answer(context, 302, {}, contacts);
  return Next::done;
}

namespace {

/// Whether what is written into this request may depend on the way back: its Contact, a Record-Route or a Path.
bool shows_a_way_back(const sip::Message& message) {
  switch (message.method()) {
    case Method::ack:
    case Method::bye:
    case Method::message:
    case Method::options: return message.has(HeaderId::contact);
    default: return true;
  }
}

/// The way back to who sent it: by the address in the message, by where it came from since that is another, or by its
/// flow alone. Over a connection nothing needs to be found out.
void find_way_back(const request::RequestContext& context, proxy::ForwardFacts& facts) {
  facts.caller_by_flow = context.from.is_stream();
  if (context.from.is_stream() || context.message.via_count() > 1 || !shows_a_way_back(context.message)) return;
  std::string_view others;
  const auto contact = context.message.has(HeaderId::contact)
                           ? sip::parse_contact(context.message.value_of(HeaderId::contact), &others)
                           : Result<sip::Contact, sip::ValueError>(failure(sip::ValueError::malformed));
  const sip::Uri* uri = contact && !contact->star ? &contact->address.uri : nullptr;
  const auto address = uri != nullptr ? sip::host_address(uri->host) : std::nullopt;
  facts.caller_natted = transport::behind_nat(context.message, uri, address, context.from, context.config.nat.detect);
  // Names alone say nothing of where it stands, and others may not know them.
  const bool only_names = uri != nullptr && !address && !sip::host_address(context.message.top_via().host);
  facts.caller_by_flow = facts.caller_natted || (only_names && context.config.nat.detect != 0);
}

}  // namespace

proxy::ForwardFacts Pipeline::facts_for(const Context& context) const {
  proxy::ForwardFacts facts;
  facts.own_routes = context.own_routes;
  facts.drop_last_route = context.drop_last_route;
  facts.no_route_stays = !context.preloaded_route;
  facts.in_dialog = context.in_dialog;
  facts.by_path = context.by_path;
  facts.sender = context.sender;
  facts.call = context.call;
  facts.ends_calls = context.in_dialog && context.method() == Method::bye;
  facts.from_peer = context.peer != nullptr;
  if (facts.from_peer) facts.percent_refused = percent_refused(context);
  facts.urgent = context.in_dialog || (!context.config.peers.empty() && is_emergency(context));
  facts.from_stranger = !facts.from_peer && !context.authenticated && !context.in_dialog;
  facts.epid = context.epid;
  find_way_back(context, facts);
  if ((context.sender & config::Workaround::needs_epid) != 0)
    facts.caller_epid = proxy::epid_of(context.message.value_of(HeaderId::from));
  if (context.authenticated) facts.consumed_realm = context.account_domain;
  facts.assert_identity = context.config.sip.p_asserted_identity;
  if (facts.assert_identity && context.authenticated)
    facts.identity = fmt::format(FMT_STRING("{}@{}"), context.account, context.account_domain);
  const auto hops = context.message.max_forwards();
  facts.max_forwards = hops ? *hops - 1 : context.config.sip.max_forwards;
  const auto breadth =
      sip::parse_number(context.message.value_of(HeaderId::max_breadth), context.config.sip.max_breadth);
  facts.max_breadth = std::max<std::uint32_t>(1, breadth.value_or(context.config.sip.max_breadth));
  return facts;
}

/// find_own_user(), once for a From and a To that are the same. Null: nobody here. Valid until the next call.
const routing::OwnUser* Pipeline::own_user_of(const sip::Uri& uri, const Context& context) {
  if (own_user_uri_.data() != nullptr && own_user_uri_ == uri.text) return &own_user_;
  own_user_uri_ = {};
  if (!routing::find_own_user(uri, context.config, env_.directory, own_user_)) return nullptr;
  own_user_uri_ = uri.text;
  return &own_user_;
}

// ---- answers

const config::Domain* Pipeline::domain_of(std::string_view host, const Context& context) {
  if (const auto* domain = context.config.domain_of(host)) return domain;
  std::string name = routing::stored_domain_of(host, context.config, env_.directory);
  if (name.empty()) return nullptr;
  stored_domain_ = config::Domain{};
  stored_domain_.name = std::move(name);
  return &stored_domain_;
}

void Pipeline::answer(Context& context, sip::StatusCode status, std::string_view reason, std::string_view headers) {
  send_back(context, written(context, status, reason, headers));
}

void Pipeline::answer_anybody(Context& context, sip::StatusCode status, std::string_view reason,
                              std::string_view headers, Shortening shortened) {
  const std::string_view octets = written_for_anybody(context, status, reason, headers, shortened);
  if (!octets.empty()) send_back(context, octets);
}

/// For whoever asks, known or not: within request::most_octets_back(), if need be with fewer headers, or not at all.
std::string_view Pipeline::written_for_anybody(const Context& context, sip::StatusCode status, std::string_view reason,
                                               std::string_view headers, Shortening shortened) {
  const std::size_t most = context.authenticated ? SIZE_MAX : request::most_octets_back(context.message, context.from);
  const auto may_go = [&](std::string_view octets) { return context.octets_back + octets.size() <= most; };
  std::string_view octets = written(context, status, reason, headers);
  if (may_go(octets)) return octets;
  if (shortened != nullptr) octets = written(context, status, reason, shortened(headers));
  if (may_go(octets)) return octets;
  withheld_.add();
  return {};
}

std::string_view Pipeline::written(const Context& context, sip::StatusCode status, std::string_view reason,
                                   std::string_view headers) {
  tag_.clear();
  if (status.value > 100) env_.proxy.append_to_tag(tag_, context.message);
  feedback_.clear();
  if (context.peer != nullptr)
    request::append_oc(feedback_, context.message.top_via(), percent_refused(context), context.now);
  return answers_.write(context.message, context.from, status, reason, tag_, headers, context.config, feedback_);
}

void Pipeline::send_back(Context& context, std::string_view octets) {
  context.octets_back += octets.size();
  env_.output.transmit(transport::reply_flow(context.message.top_via(), context.from), octets);
}

Pipeline::Next Pipeline::refuse(Context& context, const request::Refusal& refusal) {
  if (context.method() == Method::ack) return Next::done;
  forget_call(context);
  refusals_.add();
  if (env_.log.enabled(Tag::sip_server, Level::problems))
    env_.log(Tag::sip_server, Level::problems, "{} {} refused {} source={} {}", context.message.method_text(),
             quoted_for_log(context.message.request_uri_text()), refusal.status.value, context.from.remote.to_string(),
             context.record.text());
  answer_anybody(context, refusal.status, refusal.reason, refusal.headers, nullptr);
  return Next::done;
}

}  // namespace bellhop::shard
