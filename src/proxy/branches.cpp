// Branches of the proxy: from targets to octets on a flow (RFC 3261 section 16.6), and stateless forwarding.
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
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

/// Where a branch went, without the heap: this is noted for every forwarded request.
void note_target(observe::DecisionRecord& record, const net::Flow& flow) {
  std::array<char, Endpoint::longest_text> text;
  const char* const end = flow.remote.write(text.data());
  record.note(Step::target, sip::param_name(flow.transport),
              {text.data(), static_cast<std::size_t>(end - text.data())});
}

transport::Target over_tcp(transport::Target target) {
  target.transport = sip::Transport::tcp;
  return target;
}

}  // namespace

std::optional<net::Flow> Proxy::next_flow(Forwarding& forwarding, Branch& branch, TimePoint now) {
  if (branch.next_target == 0 && branch.destination.flow && branch.targets.empty()) return branch.destination.flow;
  while (branch.next_target < branch.targets.size()) {
    const transport::Target& target = branch.targets[branch.next_target++];
    const auto flow = branch.size_switched ? env_.transport.flow_to(over_tcp(target), forwarding.from.socket, now)
                                           : env_.transport.flow_to(target, forwarding.from.socket, now);
    if (flow) return flow;
  }
  return std::nullopt;
}

void Proxy::send_branch(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  const auto flow = next_flow(forwarding, branch, now);
  if (!flow) {
    forwarding.record.note(Step::target, "no address or transport", branch.destination.uri);
    return fail_branch(forwarding, index, 503, now);
  }
  branch.peer = env_.transport.peer_of(*flow) != nullptr ? flow->remote : Endpoint{};
  const auto dice = [&] { return static_cast<unsigned>(hash64(forwarding.call_id, ~env_.hash_seed) % 100); };
  if (branch.peer.port != 0 && !forwarding.facts.urgent && !load_.admits(branch.peer, dice(), now)) {
    forwarding.record.note(Step::overload, "spared the neighbour");
    return fail_branch(forwarding, index, 503, now);
  }
  branch.client = env_.clients.reserve();
  if (!branch.client.valid()) {
    forwarding.at_limit = true;
    forwarding.record.note(Step::branch, "client transaction limit");
    return fail_branch(forwarding, index, 503, now);
  }

  const Passage passage{request_of(forwarding), forwarding.facts, forwarding.from,      *flow,
                        branch.destination,     sent_by(*flow),   branch.peer.port != 0};
  write_via(passage);
  const std::size_t branch_at = via_.size();
  env_.clients.append_branch(via_, branch.client, forwarding.loop);
  write_request(passage);
  forwarding.contact_replaced = forwarding.contact_replaced || replaces_contact(passage);
  if (branch.destination.flow && !flow->is_stream()) branch.natted = true;
  const bool may_switch = !flow->is_stream() && !branch.force_udp && !branch.size_switched && !branch.targets.empty() &&
                          !branch.targets[branch.next_target - 1].explicit_transport;
  if (may_switch && exceeds_udp_limit(*flow, buffer_.size())) {  // RFC 3261 section 18.1.1, CGP-31
    env_.clients.release(branch.client);
    branch.client = SlotId{};
    branch.size_switched = true;
    --branch.next_target;
    if (env_.transport.can_reach(sip::Transport::tcp, flow->remote.address))
      return send_branch(id, forwarding, index, now);
    branch.size_switched = false;
    branch.force_udp = true;
    return send_branch(id, forwarding, index, now);
  }
  note_target(forwarding.record, *flow);
  if (env_.log.enabled(Tag::sip_client, Level::low_level))
    env_.log(Tag::sip_client, Level::low_level, "{} {} sent to {} {}", forwarding.method_text(),
             quoted_for_log(branch.destination.uri), sip::param_name(flow->transport), flow->remote.to_string());
  const auto via = transaction::SentVia::of_written(passage.sent_by, std::string_view(via_).substr(branch_at),
                                                    forwarding.method_text(), forwarding.via_count + 1);
  env_.clients.start(branch.client, forwarding.method, buffer_, via, *flow, id, now);
}

void Proxy::fail_branch(Forwarding& forwarding, std::uint16_t index, sip::StatusCode stands_for, TimePoint now) {
  forwarding.fork.on_failed(index, stands_for, now, actions_);
}

/// Most are below both limits, and it does not matter where they go.
bool Proxy::exceeds_udp_limit(const net::Flow& flow, std::size_t size) const {
  const std::size_t lan = config_->sip.udp_limit_lan, wan = config_->sip.udp_limit_wan;
  return size > std::min(lan, wan) && size > (config_->is_lan(flow.remote.address) ? lan : wan);
}

// ---- writing

/// Our name towards this peer, until the next call.
std::string_view Proxy::sent_by(const net::Flow& to) {
  sent_by_.clear();
  env_.transport.append_sent_by(sent_by_, to);
  return sent_by_;
}

/// "SIP/2.0/UDP host:port;rport;branch=" into via_: the branch follows.
void Proxy::write_via(const Passage& p) {
  via_ = "SIP/2.0/";
  via_ += sip::via_name(p.to.transport);
  via_ += ' ';
  via_ += p.sent_by;
  if (!p.to.is_stream()) via_ += ";rport";
  if (p.to_peer) via_ += ";oc;oc-algo=\"loss,rate\"";           // RFC 7339: we obey
  if (p.to.transport == sip::Transport::tls) via_ += ";alias";  // RFC 5923: what we take on this connection is for us
  via_ += ";branch=";
}

/// One Record-Route value; two when the request leaves by another listener than it came (RFC 5658: transport, address
/// or family changes), or when requests within the dialog need the flow of one of the ends: the one the callee sees on
/// top.
void Proxy::write_record_route(std::string& out, const Passage& p) const {
  std::string here;
  env_.transport.append_sent_by(here, p.from);
  const std::string_view there = p.sent_by;
  const bool secure = p.request.request_uri() && p.request.request_uri()->scheme == sip::Scheme::sips;
  const net::Flow* caller = p.facts.caller_by_flow ? &p.from : nullptr;
  const net::Flow* callee = p.destination.flow ? &p.to : nullptr;
  env_.tokens.append_record_route(out, {there, p.to.transport, secure, callee}, p.request.call_id());
  const bool alike = here == there && p.from.transport == p.to.transport;
  if (alike && caller == nullptr && callee == nullptr && p.facts.caller_epid.empty()) return;
  out += ", ";
  env_.tokens.append_record_route(out, {here, p.from.transport, secure, caller, p.facts.caller_epid},
                                  p.request.call_id());
}

/// CGP-50: always, or where the two ends could not reach each other without us: another transport, family or listener,
/// an end that is on a connection, or behind NAT.
bool Proxy::stays_in_path(const Passage& p) const {
  const Method method = p.request.method();
  if (method != Method::invite && method != Method::subscribe && method != Method::notify && method != Method::refer)
    return false;
  if (config_->sip.record_route == config::RecordRoute::always || p.facts.in_dialog || p.facts.call != 0) return true;
  if (p.from.transport != p.to.transport || p.destination.flow.has_value() || p.facts.caller_by_flow ||
      !p.facts.caller_epid.empty())
    return true;
  std::string here;
  env_.transport.append_sent_by(here, p.from);
  return here != p.sent_by;
}

/// A registration that another server keeps leads to the phone through us: its own Path if it is the first one (RFC
/// 5626 section 5.1). Left out where the phone is reached without, and says nothing of knowing Path (RFC 3327
/// section 5.1).
void Proxy::write_path(std::string& out, const Passage& p) const {
  if (p.request.method() != Method::register_ || p.request.via_count() != 1 || replaces_contact(p)) return;
  const auto knows = [&](std::string_view option) {
    return p.request.has_token(HeaderId::supported, option) || p.request.has_token(HeaderId::require, option);
  };
  if (!knows("path") && !knows("outbound") && !p.from.is_stream() && !p.facts.caller_natted) return;
  env_.tokens.append_path(out, {p.sent_by, p.to.transport, false, &p.from}, /*first_hop=*/true);
}

bool Proxy::replaces_contact(const Passage& p) const {
  return (p.destination.workarounds & config::Workaround::no_path) != 0 && p.request.via_count() == 1 &&
         p.request.has(HeaderId::contact);
}

ContactEdits Proxy::contact_edits(const Passage& p) {
  ContactEdits wanted;
  const config::Workarounds target = p.destination.workarounds;
  wanted.drop_tcp = (target & config::Workaround::no_tcp) != 0;
  wanted.drop_maddr = (target & config::Workaround::no_maddr) != 0;
  if (replaces_contact(p)) {
    if (const auto contact = first_sip_contact(p.request)) {
      contact_.clear();
      env_.tokens.append_contact(contact_, {p.sent_by, p.to.transport, false, &p.from}, *contact);
      wanted.instead = contact_;
    }
    return wanted;
  }
  if (p.request.method() == Method::register_) return wanted;
  if ((p.facts.sender & config::Workaround::fix_contacts) != 0 && p.request.via_count() == 1)
    wanted.fix = &p.from;
  else if (p.facts.caller_natted && config_->nat.contact_alias && !p.from.is_stream())
    wanted.alias = &p.from;
  return wanted;
}

/// Into buffer_, with via_ on top.
void Proxy::write_request(const Passage& p) {
  facts_text_.clear();
  transport::append_via_facts(facts_text_, p.request.top_via(), p.from);
  record_route_.clear();
  if (stays_in_path(p)) write_record_route(record_route_, p);
  path_.clear();
  write_path(path_, p);
  const Copy copy{.request_uri = p.destination.uri,
                  .routes = p.destination.routes,
                  .via = via_,
                  .via_facts = facts_text_,
                  .record_route = record_route_,
                  .to_peer = p.to_peer,
                  .path = path_,
                  .contacts = contact_edits(p)};
  buffer_.clear();
  build_forwarded(buffer_, edits_, p.request, p.facts, copy, names());
}

// ---- without state

/// To the first target that can be reached now. What is not in the cache is asked for: the repeat will find it (section
/// 16.11).
std::optional<net::Flow> Proxy::flow_without_state(const request::RequestContext& context,
                                                   const routing::Destination& destination, const ForwardFacts& facts) {
  const sip::Message& request = context.message;
  const ParsedUri& uri = parsed(next_hop_uri(request, facts, destination.uri, destination.routes), request);
  if (const auto target = plain_target(uri, destination))
    return env_.transport.flow_to(*target, context.from.socket, context.now);
  const auto hop = next_hop(uri, destination);
  if (!hop) return std::nullopt;
  auto location = locate(*hop, request, {}, context.now);
  for (const net::Question& question : location.questions)
    env_.resolver.ask(question.type, question.name, env_.asker, nobody, context.now);
  env_.avoided.put_last(location.targets, context.now);
  for (const transport::Target& target : location.targets)
    if (auto flow = env_.transport.flow_to(target, context.from.socket, context.now)) return flow;
  return std::nullopt;
}

void Proxy::forward_statelessly(request::RequestContext& context, const routing::Destination& destination,
                                const ForwardFacts& facts) {
  const sip::Message& request = context.message;
  std::optional<net::Flow> flow = destination.flow;
  if (flow && !env_.transport.is_alive(*flow)) flow.reset();
  if (!flow && destination.outbound) {  // RFC 5626 sections 5.3.1 and 7: only its flows lead there
    for (const routing::Destination& other : destination.alternates)
      if (other.flow && env_.transport.is_alive(*other.flow)) return forward_statelessly(context, other, facts);
    return;
  }
  if (flow && is_sips(destination.uri) && !sip::is_secure(flow->transport)) return;
  if (!flow) flow = flow_without_state(context, destination, facts);
  if (!flow) return;
  stateless_.add();
  const bool to_peer = env_.transport.peer_of(*flow) != nullptr;
  const Passage passage{request, facts, context.from, *flow, destination, sent_by(*flow), to_peer};
  write_via(passage);
  append_stateless_branch(via_, request);
  write_request(passage);
  env_.output.transmit(*flow, buffer_);
}

/// RFC 3261 section 16.11: the same for every repeat, made from the client's branch; for RFC 2543 peers from what
/// identifies their transaction. The mark lets us know our own when a response comes back.
void Proxy::append_stateless_branch(std::string& out, const sip::Message& request) {
  const sip::Via& top = request.top_via();
  buffer_.clear();
  if (top.has_cookie()) {
    const fmt::format_int port(top.port);
    buffer_.append(top.branch).append(1, '\n').append(top.host).append(1, '\n').append(port.data(), port.size());
  } else {
    fmt::format_to(std::back_inserter(buffer_), FMT_COMPILE("{}\n{}\n{}\n{}\n{}"), top.text, request.call_id(),
                   request.from_tag(), request.cseq().number, request.request_uri_text());
  }
  const std::uint64_t value = hash64(buffer_, env_.hash_seed);
  out += stateless_mark;
  crypto::append_stamped_number(out, stateless_key_, value);
}

bool Proxy::on_stateless_response(const sip::Message& response, const net::Flow& from, TimePoint now) {
  std::string_view branch = response.top_via().branch;
  if (!starts_with_ignore_case(branch, stateless_mark)) return false;
  branch.remove_prefix(stateless_mark.size());
  if (!crypto::parse_stamped_number(branch, stateless_key_)) return false;
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
  transport::Target target = transport::target_of_via(*next, *transport, *address);
  if (rport) target.endpoint.port = static_cast<std::uint16_t>(*rport);
  const auto flow = env_.transport.flow_for_response(target, from.socket, now);
  if (!flow) return true;
  buffer_.clear();
  strip_own_via(buffer_, response, from);
  env_.output.transmit(*flow, buffer_);
  return true;
}

}  // namespace bellhop::proxy
