// Branches of the proxy: from a destination to octets on a flow (RFC 3261 section 16.6), and stateless forwarding.
#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <iterator>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "proxy/proxy.hpp"
#include "transport/reply.hpp"

namespace bellhop::proxy {

using observe::Level;
using observe::Step;
using observe::Tag;
using sip::HeaderId;
using sip::Method;

namespace {

/// Continuations carry the fork's id and the branch: index and 16 bits of each.
std::uint64_t resolver_key(SlotId id, std::uint16_t branch) {
  return id.index | (std::uint64_t{id.generation & 0xffff} << 32) | (std::uint64_t{branch} << 48);
}

std::vector<transport::Target> targets_for(const transport::NextHop& hop, const std::vector<IpAddress>& addresses) {
  std::vector<transport::Target> targets;
  const sip::Transport chosen = hop.transport.value_or(hop.secure ? sip::Transport::tls : sip::Transport::udp);
  for (const IpAddress& address : addresses)
    targets.push_back({chosen, {address, hop.port_or_default(chosen)}, hop.transport.has_value() || hop.secure});
  return targets;
}

/// Where a branch went, without the heap: this is noted for every forwarded request.
void note_target(observe::DecisionRecord& record, const net::Flow& flow) {
  std::array<char, 56> text;
  const auto& o = flow.remote.address.octets();
  if (flow.remote.address.is_v6()) return record.note(Step::target, sip::param_name(flow.transport), flow.remote.to_string());
  const auto end = fmt::format_to_n(text.data(), text.size(), FMT_COMPILE("{}.{}.{}.{}:{}"), o[0], o[1], o[2], o[3], flow.remote.port);
  record.note(Step::target, sip::param_name(flow.transport), {text.data(), end.size});
}

}  // namespace

void Proxy::start_branch(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  if (flow_of_binding(forwarding, branch) || find_targets(id, forwarding, index, now)) send_branch(id, forwarding, index, now);
}

/// A registered phone is reached the way it came: over its connection while that lives, over its NAT mapping for UDP.
std::optional<net::Flow> Proxy::flow_of_binding(const Forwarding&, Branch& branch) const {
  auto& flow = branch.destination.flow;
  if (flow && !env_.transport.is_alive(*flow)) flow.reset();
  return flow;
}

/// Fills branch.targets; false while a look-up is under way or when the branch failed at once.
bool Proxy::find_targets(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  const std::string_view hop_text =
      next_hop_uri(*forwarding.request, forwarding.facts, branch.destination.uri, branch.destination.routes);
  const auto uri = sip::parse_uri(hop_text);
  auto hop = uri ? transport::next_hop_of(*uri) : Result<transport::NextHop, transport::TargetError>(failure(transport::TargetError::not_sip));
  if (!hop) {
    forwarding.record.note(Step::target, "no next hop", hop_text);
    fail_branch(id, forwarding, index, uri && uri->scheme == sip::Scheme::other ? 416 : 404, now);
    return false;
  }
  if (branch.destination.transport) hop->transport = branch.destination.transport;
  if (const auto literal = IpAddress::parse(hop->host)) {
    branch.targets = targets_for(*hop, {*literal});
    return true;
  }
  net::AddressAnswer answer;
  if (!env_.resolver.cached(hop->host, now, answer)) {
    branch.resolving = true;
    env_.resolver.ask(hop->host, env_.asker, resolver_key(id, index), now);
    return false;
  }
  branch.targets = targets_for(*hop, answer.addresses);
  return true;
}

void Proxy::on_addresses(std::uint64_t key, const net::AddressAnswer& answer, TimePoint now) {
  const SlotId id = forwardings_.id_at(static_cast<std::uint32_t>(key));
  const auto index = static_cast<std::uint16_t>(key >> 48);
  Forwarding* forwarding = (id.generation & 0xffff) == ((key >> 32) & 0xffff) ? forwardings_.find(id) : nullptr;
  if (forwarding == nullptr || index >= forwarding->branches.size() || !forwarding->branches[index].resolving) return;
  Branch& branch = forwarding->branches[index];
  branch.resolving = false;
  const auto uri = sip::parse_uri(next_hop_uri(*forwarding->request, forwarding->facts, branch.destination.uri, branch.destination.routes));
  auto hop = transport::next_hop_of(*uri);
  if (branch.destination.transport) hop->transport = branch.destination.transport;
  branch.targets = targets_for(*hop, answer.addresses);
  if (forwarding->fork.cancelled()) branch.targets.clear();
  send_branch(id, *forwarding, index, now);
  drain(id, nullptr, now);
}

std::optional<net::Flow> Proxy::next_flow(Forwarding& forwarding, Branch& branch, TimePoint now) {
  if (branch.next_target == 0 && branch.destination.flow && branch.targets.empty()) return branch.destination.flow;
  while (branch.next_target < branch.targets.size()) {
    transport::Target target = branch.targets[branch.next_target++];
    if (branch.size_switched) target.transport = sip::Transport::tcp;
    if (const auto flow = env_.transport.flow_to(target, forwarding.from.socket, now)) return flow;
  }
  return std::nullopt;
}

void Proxy::send_branch(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  const auto flow = next_flow(forwarding, branch, now);
  if (!flow) {
    forwarding.record.note(Step::target, "no address or transport", branch.destination.uri);
    return fail_branch(id, forwarding, index, branch.targets.empty() ? 404 : 503, now);
  }
  branch.client = env_.clients.reserve();
  if (!branch.client.valid()) {
    forwarding.at_limit = true;
    forwarding.record.note(Step::branch, "client transaction limit");
    return fail_branch(id, forwarding, index, 503, now);
  }

  via_.clear();
  write_via(via_, *flow);
  env_.clients.append_branch(via_, branch.client, forwarding.loop);
  write_request(forwarding, branch, *flow, via_);
  const bool may_switch = !flow->is_stream() && !branch.force_udp && !branch.size_switched && !branch.targets.empty() &&
                          !branch.targets[branch.next_target - 1].explicit_transport;
  if (may_switch && buffer_.size() > udp_limit(*flow)) {  // RFC 3261 section 18.1.1, CGP-31
    env_.clients.release(branch.client);
    branch.client = SlotId{};
    branch.size_switched = true;
    --branch.next_target;
    if (env_.transport.can_reach(sip::Transport::tcp, flow->remote.address)) return send_branch(id, forwarding, index, now);
    branch.size_switched = false;
    branch.force_udp = true;
    return send_branch(id, forwarding, index, now);
  }
  note_target(forwarding.record, *flow);
  if (env_.log.enabled(Tag::sip_client, Level::low_level))
    env_.log(Tag::sip_client, Level::low_level, "{} {} sent to {} {}", forwarding.request->method_text(), quoted_for_log(branch.destination.uri),
             sip::param_name(flow->transport), flow->remote.to_string());
  env_.clients.start(branch.client, forwarding.request->method(), buffer_, *flow, id, now);
}

void Proxy::fail_branch(SlotId, Forwarding& forwarding, std::uint16_t index, sip::StatusCode stands_for, TimePoint now) {
  forwarding.fork.on_failed(index, stands_for, now, actions_);
}

std::size_t Proxy::udp_limit(const net::Flow& flow) const {
  return config_->is_lan(flow.remote.address) ? config_->sip.udp_limit_lan : config_->sip.udp_limit_wan;
}

// ---- writing

/// "SIP/2.0/UDP host:port;rport;branch=": the branch follows.
void Proxy::write_via(std::string& out, const net::Flow& to) const {
  out += "SIP/2.0/";
  out += sip::via_name(to.transport);
  out += ' ';
  env_.transport.append_sent_by(out, to);
  if (!to.is_stream()) out += ";rport";
  out += ";branch=";
}

/// One Record-Route value, or two when the request leaves by another listener than it came (RFC 5658: transport, address or
/// family changes): the one the callee sees on top.
void Proxy::write_record_route(std::string& out, const sip::Message& request, const net::Flow& from, const net::Flow& to) const {
  std::string here, there;
  env_.transport.append_sent_by(there, to);
  env_.transport.append_sent_by(here, from);
  env_.tokens.append_record_route(out, there, sip::param_name(to.transport), request.call_id());
  if (here == there && from.transport == to.transport) return;
  out += ", ";
  env_.tokens.append_record_route(out, here, sip::param_name(from.transport), request.call_id());
}

/// CGP-50: always, or where the two ends could not reach each other without us: another transport, family or listener, an end that
/// is on a connection, or behind NAT.
bool Proxy::stays_in_path(const sip::Message& request, const net::Flow& from, const net::Flow& to, const routing::Destination& destination,
                          bool in_dialog) const {
  const Method method = request.method();
  if (method != Method::invite && method != Method::subscribe && method != Method::notify && method != Method::refer) return false;
  if (config_->sip.record_route == config::RecordRoute::always || in_dialog) return true;
  const sip::Via& via = request.top_via();
  const auto sent_by = IpAddress::parse(via.host);
  const std::uint16_t port = via.port != 0 ? via.port : sip::default_port(from.transport);
  const bool natted_caller = !sent_by || *sent_by != from.remote.address || port != from.remote.port;
  std::string here, there;
  env_.transport.append_sent_by(here, from);
  env_.transport.append_sent_by(there, to);
  return from.transport != to.transport || from.is_stream() || destination.flow.has_value() || natted_caller || here != there;
}

void Proxy::write_request(Forwarding& forwarding, const Branch& branch, const net::Flow& to, std::string_view via) {
  const sip::Message& request = *forwarding.request;
  facts_text_.clear();
  transport::append_via_facts(facts_text_, request.top_via(), forwarding.from);
  record_route_.clear();
  if (stays_in_path(request, forwarding.from, to, branch.destination, forwarding.facts.in_dialog))
    write_record_route(record_route_, request, forwarding.from, to);
  buffer_.clear();
  build_forwarded(buffer_, edits_, request, forwarding.facts, branch.destination.uri, branch.destination.routes, via, facts_text_,
                  record_route_, names());
}

// ---- without state

void Proxy::forward_statelessly(request::RequestContext& context, const routing::Destination& destination, const ForwardFacts& facts) {
  const sip::Message& request = context.message;
  std::optional<net::Flow> flow = destination.flow;
  if (flow && !env_.transport.is_alive(*flow)) flow.reset();
  if (!flow) {
    const auto uri = sip::parse_uri(next_hop_uri(request, facts, destination.uri, destination.routes));
    auto hop = uri ? transport::next_hop_of(*uri) : Result<transport::NextHop, transport::TargetError>(failure(transport::TargetError::not_sip));
    if (!hop) return;
    if (destination.transport) hop->transport = destination.transport;
    net::AddressAnswer answer;
    if (const auto literal = IpAddress::parse(hop->host)) {
      answer.addresses = {*literal};
    } else if (!env_.resolver.cached(hop->host, context.now, answer)) {
      env_.resolver.ask(hop->host, env_.asker, ~std::uint64_t{0}, context.now);  // the repeat will find it (section 16.11)
      return;
    }
    const auto targets = targets_for(*hop, answer.addresses);
    if (!targets.empty()) flow = env_.transport.flow_to(targets.front(), context.from.socket, context.now);
  }
  if (!flow) return;
  stateless_.add();
  via_.clear();
  write_via(via_, *flow);
  append_stateless_branch(via_, request);
  facts_text_.clear();
  transport::append_via_facts(facts_text_, request.top_via(), context.from);
  record_route_.clear();
  if (stays_in_path(request, context.from, *flow, destination, facts.in_dialog)) write_record_route(record_route_, request, context.from, *flow);
  buffer_.clear();
  build_forwarded(buffer_, edits_, request, facts, destination.uri, destination.routes, via_, facts_text_, record_route_, names());
  env_.output.transmit(*flow, buffer_);
}

/// RFC 3261 section 16.11: the same for every repeat, made from the client's branch; for RFC 2543 peers from what identifies
/// their transaction. The mark lets us know our own when a response comes back.
void Proxy::append_stateless_branch(std::string& out, const sip::Message& request) const {
  const sip::Via& top = request.top_via();
  const std::string identity = top.has_cookie() ? fmt::format(FMT_STRING("{}\n{}\n{}"), top.branch, top.host, top.port)
                                                : fmt::format(FMT_STRING("{}\n{}\n{}\n{}\n{}"), top.text, request.call_id(), request.from_tag(),
                                                              request.cseq().number, request.request_uri_text());
  const std::uint64_t value = hash64(identity, env_.hash_seed);
  out += stateless_mark;
  crypto::append_base32(out, value);
  crypto::append_base32(out, stateless_mac(value));
}

std::uint64_t Proxy::stateless_mac(std::uint64_t value) const {
  return crypto::short_mac(env_.key, {reinterpret_cast<const char*>(&value), sizeof value});
}

bool Proxy::on_stateless_response(const sip::Message& response, const net::Flow& from) {
  std::string_view branch = response.top_via().branch;
  constexpr std::size_t digits = 13;
  if (!starts_with_ignore_case(branch, stateless_mark) || branch.size() != stateless_mark.size() + 2 * digits) return false;
  branch.remove_prefix(stateless_mark.size());
  const auto value = crypto::parse_base32(branch.substr(0, digits));
  const auto mac = crypto::parse_base32(branch.substr(digits));
  if (!value || !mac || *mac != stateless_mac(*value)) return false;
  std::size_t seen = 0;
  Result<sip::Via, sip::ValueError> next = failure(sip::ValueError::malformed);
  response.for_each_value(HeaderId::via, [&](std::string_view text, const sip::HeaderField&) {
    if (seen++ == 1) next = sip::parse_via(text);
    return seen < 2;
  });
  if (!next) return true;  // it was for us alone
  const auto transport = sip::transport_from(next->transport);
  const auto address = IpAddress::parse(next->received.empty() ? next->host : next->received);
  if (!transport || !address) return true;
  const auto rport = parse_decimal(next->rport_text, 65535);
  const std::uint16_t port = rport ? static_cast<std::uint16_t>(*rport) : next->port != 0 ? next->port : sip::default_port(*transport);
  const auto flow = env_.transport.flow_to({*transport, {*address, port}, true}, from.socket, TimePoint{});
  if (!flow) return true;
  buffer_.clear();
  strip_own_via(buffer_, response);
  env_.output.transmit(*flow, buffer_);
  return true;
}

}  // namespace bellhop::proxy
