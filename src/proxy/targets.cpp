// Targets of a branch (RFC 3263): what is asked of the DNS, and which target comes next when one fails.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "proxy/proxy.hpp"

namespace bellhop::proxy {

using observe::Step;
using sip::HeaderId;

namespace {

/// A NAPTR and some SRV questions, and one for each SRV target: what a stranger's zone can make us ask for one branch.
constexpr std::size_t most_questions = 40;
/// A server that wants to be left alone longer is asked again all the same.
constexpr Duration longest_retry_after = minutes(10);

/// Continuations carry the fork's id and the branch: index and 16 bits of each.
std::uint64_t resolver_key(SlotId id, std::uint16_t branch) {
  return id.index | (std::uint64_t{id.generation & 0xffff} << 32) | (std::uint64_t{branch} << 48);
}

std::string_view words_of(transport::Location::Outcome outcome) {
  using Outcome = transport::Location::Outcome;
  return outcome == Outcome::no_answer      ? "no DNS answer"
         : outcome == Outcome::no_transport ? "no transport"
                                            : "no such host";
}

/// The seconds of a Retry-After (RFC 3261 section 20.33), without its comment and parameters.
std::optional<Duration> retry_after(const sip::Message& response) {
  const auto* field = response.first(HeaderId::retry_after);
  if (field == nullptr) return std::nullopt;
  const std::string_view value = response.value(*field);
  const auto number = parse_decimal(value.substr(0, value.find_first_not_of("0123456789")), UINT32_MAX);
  return number ? std::optional<Duration>(seconds(*number)) : std::nullopt;
}

}  // namespace

void Proxy::start_branch(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  const bool by_flow = branch.destination.flow.has_value() || branch.destination.outbound;
  const auto flow = flow_of_binding(branch);
  if (by_flow && !flow) {  // RFC 5626 sections 5.3.1 and 7
    forwarding.record.note(Step::target, "its flow is gone");
    if (try_alternate(id, forwarding, index, now)) return;
    if (forwarding.facts.by_path || branch.destination.outbound)
      return fail_branch(forwarding, index, forwarding.facts.by_path ? 430 : 480, now);
    branch.flow_lost = true;
  }
  if (flow && is_sips(branch.destination.uri) &&
      !sip::is_secure(flow->transport)) {  // DET-10; the status is that of RFC 5630 section 5.3
    forwarding.record.note(Step::target, "sips, but not over", sip::param_name(flow->transport));
    if (try_alternate(id, forwarding, index, now)) return;
    return fail_branch(forwarding, index, 480, now);
  }
  if (flow || find_targets(id, forwarding, index, now)) send_branch(id, forwarding, index, now);
}

/// A registered phone is reached the way it came: over its connection while that lives, over its NAT mapping for UDP.
std::optional<net::Flow> Proxy::flow_of_binding(Branch& branch) const {
  auto& flow = branch.destination.flow;
  if (flow && !env_.transport.is_alive(*flow)) flow.reset();
  return flow;
}

/// Not parsed again where it is the Request-URI that came. Valid until the next call.
const Proxy::ParsedUri& Proxy::parsed(std::string_view text, const sip::Message& request) {
  if (text == request.request_uri_text()) return request.request_uri();
  return parsed_uri_ = sip::parse_uri(text);
}

Result<transport::NextHop, sip::StatusCode> Proxy::next_hop(const ParsedUri& uri,
                                                            const routing::Destination& destination) {
  auto hop = uri ? transport::next_hop_of(*uri)
                 : Result<transport::NextHop, transport::TargetError>(failure(transport::TargetError::not_sip));
  if (!hop) return failure(sip::StatusCode(uri && uri->scheme == sip::Scheme::other ? 416 : 404));
  if (destination.transport) hop->transport = destination.transport;
  if (is_sips(destination.uri)) hop->secure = true;  // RFC 3261 section 26.2.2: whatever the Route says of itself
  return std::move(*hop);
}

/// Nearly all next hops are addresses, which leaves nothing to look up.
std::optional<transport::Target> Proxy::plain_target(const ParsedUri& uri,
                                                     const routing::Destination& destination) const {
  if (!uri || destination.transport || is_sips(destination.uri)) return std::nullopt;
  return transport::plain_target(*uri, reach_);
}

transport::Location Proxy::locate(const transport::NextHop& hop, const sip::Message& request,
                                  const std::vector<net::AnswerPtr>& at_hand, TimePoint now) const {
  const auto lookup = [&](net::RecordType type, std::string_view name) {
    for (const net::AnswerPtr& answer : at_hand)
      if (answer->question.type == type && answer->question.name == name) return answer;
    return env_.resolver.cached(type, name, now);
  };
  return transport::locate(hop, config_->hosts, reach_, std::ref(lookup), hash64(request.call_id(), env_.hash_seed));
}

/// Fills branch.targets; false while look-ups are under way or when the branch failed at once.
bool Proxy::find_targets(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  const sip::Message& request = request_of(forwarding);
  const routing::Destination& destination = branch.destination;
  const std::string_view hop_uri = next_hop_uri(request, forwarding.facts, destination.uri, destination.routes);
  const ParsedUri& uri = parsed(hop_uri, request);
  if (const auto target = plain_target(uri, destination)) {
    branch.targets.assign(1, *target);
    return true;
  }
  const auto hop = next_hop(uri, destination);
  if (!hop) {
    forwarding.record.note(Step::target, "no next hop", branch.destination.uri);
    fail_branch(forwarding, index, hop.error(), now);
    return false;
  }
  static const std::vector<net::AnswerPtr> none;
  auto location = locate(*hop, request, branch.look_ups ? branch.look_ups->answers : none, now);
  if (location.outcome == transport::Location::Outcome::questions) {
    if (ask(id, branch, index, location.questions, now)) return false;
    location.outcome = transport::Location::Outcome::no_answer;
  }
  branch.look_ups.reset();
  if (location.outcome != transport::Location::Outcome::targets) {
    forwarding.record.note(Step::target, words_of(location.outcome), hop->host);
    const bool unspeakable = location.outcome == transport::Location::Outcome::no_transport && hop->secure;
    const bool unknown = location.outcome == transport::Location::Outcome::no_such_host;
    const bool flow_lost = branch.flow_lost && forwarding.facts.in_dialog && !unspeakable;
    const int lost =
        forwarding.via_count > 1 ? 430 : 480;  // "endpoints should never receive a 430" (RFC 5626 section 11.5)
    fail_branch(forwarding, index, flow_lost ? lost : unspeakable ? 416 : unknown ? 404 : 503, now);
    return false;
  }
  branch.targets = std::move(location.targets);
  env_.avoided.put_last(branch.targets, now);
  return true;
}

/// All at once: the branch goes on when the last answer is there. False: it has asked enough.
bool Proxy::ask(SlotId id, Branch& branch, std::uint16_t index, const std::vector<net::Question>& questions,
                TimePoint now) {
  if (!branch.look_ups) branch.look_ups = std::make_unique<LookUps>();
  LookUps& look_ups = *branch.look_ups;
  look_ups.asked += questions.size();
  if (look_ups.asked > most_questions) return false;
  look_ups.open = questions.size();
  for (const net::Question& question : questions)
    env_.resolver.ask(question.type, question.name, env_.asker, resolver_key(id, index), now);
  return true;
}

void Proxy::on_answer(std::uint64_t key, const net::AnswerPtr& answer, TimePoint now) {
  const SlotId id = places_.id_at(static_cast<std::uint32_t>(key));
  const auto index = static_cast<std::uint16_t>(key >> 48);
  Forwarding* forwarding = key != nobody && (id.generation & 0xffff) == ((key >> 32) & 0xffff) ? find(id) : nullptr;
  if (forwarding == nullptr || index >= forwarding->branches.size() || !forwarding->branches[index].look_ups) return;
  LookUps& look_ups = *forwarding->branches[index].look_ups;
  look_ups.answers.push_back(answer);
  if (look_ups.open == 0 || --look_ups.open > 0) return;
  if (!forwarding->fork.wanted(index)) {  // the caller hung up, or somebody else answered
    forwarding->branches[index].look_ups.reset();
    fail_branch(*forwarding, index, 487, now);
  } else if (find_targets(id, *forwarding, index, now)) {
    send_branch(id, *forwarding, index, now);
  }
  drain(id, nullptr, now);
}

// ---- the next target (RFC 3263 section 4.3)

/// A request of its own with a new branch parameter, to the next in the list. False: there is none, or the branch is to
/// end.
bool Proxy::try_next_target(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  if (branch.next_target >= branch.targets.size() || !forwarding.fork.wanted(index)) return false;
  branch.client = SlotId{};
  branch.size_switched = branch.force_udp = false;
  branch.heard = Heard::nothing;
  forwarding.fork.on_retried(index, now);
  failovers_.add();
  forwarding.record.note(Step::branch, "next target", fmt::format(FMT_STRING("{}"), index));
  send_branch(id, forwarding, index, now);
  return true;
}

/// RFC 5626 section 7: another flow of the same device, in its place. False: there is none, or the branch is to end.
bool Proxy::try_alternate(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now) {
  Branch& branch = forwarding.branches[index];
  auto alternates = std::move(branch.destination.alternates);
  if (alternates.empty() || !forwarding.fork.wanted(index)) return false;
  routing::Destination next = std::move(alternates.front());
  alternates.erase(alternates.begin());
  next.alternates = std::move(alternates);
  branch = Branch{.destination = std::move(next)};
  forwarding.fork.on_retried(index, now);
  failovers_.add();
  forwarding.record.note(Step::branch, "next flow", fmt::format(FMT_STRING("{}"), index));
  start_branch(id, forwarding, index, now);
  return true;
}

/// A target that answers is a good one, but for 503: it is left alone for as long as it asks for (section 21.5.4).
/// Where there is no other one, nothing is kept of it.
void Proxy::note_response(Branch& branch, const sip::Message& response, TimePoint now) {
  const sip::StatusCode status = response.status();
  if (status.provisional()) branch.heard = std::max(branch.heard, status == 100 ? Heard::trying : Heard::progress);
  if (branch.targets.size() < 2) return;
  const transport::Target& target = branch.targets[branch.next_target - 1];
  if (status != 503) return env_.avoided.succeeded(target);
  const bool avoid = config_->dns.avoid_failed > Duration::zero();
  if (const auto wait = retry_after(response))
    env_.avoided.failed(target, avoid ? std::min(*wait, longest_retry_after) : Duration::zero(), now);
}

/// Time-out, refused connection, ICMP, a TLS handshake that failed: the next target, unless this one
/// - answered provisionally and then was silent: it has the request, and section 4.3 counts only silence from the
/// start;
/// - let the phone ring and then was lost: another one would ring a second time, in another early dialog;
/// - was silent to a request other than INVITE: after Timer F its caller has given up as well, and an answer would come
/// too late for anybody (RFC 4320 section 4.2). The next request finds it avoided.
void Proxy::on_client_failure(SlotId client, SlotId fork, bool timed_out, TimePoint now) {
  Forwarding* forwarding = find(fork);
  if (forwarding == nullptr) return;
  const auto index = branch_of(*forwarding, client);
  if (!index) return;
  Branch& branch = forwarding->branches[*index];
  branch.client = SlotId{};
  forwarding->record.note(Step::branch, timed_out ? "timed out" : "transport failed",
                          fmt::format(FMT_STRING("{}"), *index));
  if (branch.size_switched && !timed_out && forwarding->fork.wanted(*index)) {
    branch.force_udp = true;
    branch.size_switched = false;
    if (branch.next_target > 0) --branch.next_target;
    forwarding->fork.on_retried(*index, now);
    send_branch(fork, *forwarding, *index, now);
  } else {
    const bool dead = !timed_out || branch.heard == Heard::nothing;
    if (dead && branch.targets.size() > 1)
      env_.avoided.failed(branch.targets[branch.next_target - 1], config_->dns.avoid_failed, now);
    const bool given_up = timed_out && forwarding->method != sip::Method::invite;
    const bool elsewhere =
        dead && !given_up && branch.heard != Heard::progress &&
        (try_next_target(fork, *forwarding, *index, now) || try_alternate(fork, *forwarding, *index, now));
    if (!elsewhere) fail_branch(*forwarding, *index, timed_out ? 408 : 503, now);
  }
  drain(fork, nullptr, now);
}

}  // namespace bellhop::proxy
