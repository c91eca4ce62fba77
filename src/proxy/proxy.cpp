#include "proxy/proxy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/copy_octets.hpp"
#include "base/hash.hpp"
#include "base/prefetch.hpp"
#include "base/quoted.hpp"
#include "base/text.hpp"
#include "crypto/subkey.hpp"
#include "request/overload.hpp"
#include "transport/reply.hpp"

namespace bellhop::proxy {

using observe::Level;
using observe::Step;
using observe::Tag;
using sip::HeaderId;
using sip::Method;
using transaction::TimerKind;

namespace {

const sip::Message no_message;

/// "0 200", without the heap: noted for every forwarded request.
void note_answer(observe::DecisionRecord& record, std::uint16_t branch, sip::StatusCode status) {
  std::array<char, 24> text;
  char* end = std::to_chars(text.data(), text.data() + text.size(), branch).ptr;
  *end++ = ' ';
  end = std::to_chars(end, text.data() + text.size(), status.value).ptr;
  record.note(Step::branch, "answered", {text.data(), static_cast<std::size_t>(end - text.data())});
}

/// Writes the response without its top Via, and with these edits. Nearly always there are none, and that Via is alone
/// on its line, as we wrote it.
void write_without_top_via(std::string& out, sip::Edits& edits, const sip::Message& response, sip::FieldNames names) {
  const sip::HeaderField* const first = response.first(HeaderId::via);
  const bool alone = response.value(*first).size() == response.top_via().text.size();
  if (alone && edits.empty() && names == sip::FieldNames::as_received) {
    const std::string_view octets = response.octets();
    out.append(octets, 0, first->name_at).append(octets, first->end_at);
    return;
  }
  alone ? edits.remove(*first) : edits.remove_first_value(HeaderId::via);
  edits.write(out, names);
}

/// The other way round: a Contact that we had put in place of the caller's is its own again (CGP-67).
void restore_contacts(sip::Edits& edits, const sip::Message& response, const RouteTokens& tokens) {
  response.for_each_value(HeaderId::contact, [&](std::string_view value, const sip::HeaderField&) {
    const auto contact = sip::parse_contact(value);
    if (!contact || contact->star) return true;
    if (const auto own = tokens.read_contact(contact->address.uri))
      edits.replace_part(contact->address.uri.text, own->uri);
    return true;
  });
}

}  // namespace

Proxy::Proxy(const Environment& environment, config::SnapshotPtr config)
    : env_(environment),
      tag_key_(crypto::subkey(env_.key, "tag")),
      stateless_key_(crypto::subkey(env_.key, "stateless branch")),
      config_(std::move(config)),
      reach_(config_->listen),
      edits_(no_message),
      forwarded_(env_.metrics.counter("proxy.forwarded")),
      stateless_(env_.metrics.counter("proxy.forwarded.stateless")),
      answered_by_us_(env_.metrics.counter("proxy.answered")),
      failovers_(env_.metrics.counter("proxy.failovers")) {}

Proxy::~Proxy() = default;

void Proxy::apply(config::SnapshotPtr config) {
  config_ = std::move(config);
}

std::size_t Proxy::forks() const {
  return under_way_;
}

std::string_view Proxy::uri_of(SlotId fork, SlotId client) const {
  const Place* place = places_.find(fork);
  const Forwarding* forwarding = place != nullptr ? place->forwarding.get() : nullptr;
  if (forwarding == nullptr) return {};
  if (!client.valid()) return forwarding->request_uri_text();
  const auto branch = branch_of(*forwarding, client);
  return branch ? std::string_view(forwarding->branches[*branch].destination.uri) : std::string_view();
}

// ---- what is kept of a request

Proxy::Forwarding::Forwarding(const sip::Message& message, const net::Flow& source, const Fork::Settings& settings)
    : via_count(message.via_count()),
      method(message.method()),
      begins_dialog(message.to_tag().empty()),
      reply_port(transport::reply_flow(message.top_via(), source).remote.port),
      from(source),
      fork(message.method() == Method::invite, settings) {}

void Proxy::keep_request(Forwarding& forwarding, const sip::Message& message) {
  octet_pool_.hold(forwarding.request, message.octets());
  const auto at = static_cast<std::size_t>(message.call_id().data() - message.octets().data());
  forwarding.call_id = forwarding.request.view().substr(at, message.call_id().size());
}

std::string_view Proxy::Forwarding::request_uri_text() const {
  const std::string_view text = request.view();
  const std::size_t at = text.find(' ') + 1;
  return text.substr(at, text.find(' ', at) - at);
}

/// While it is being forwarded for the first time it is at hand. Only what is rare needs it later: another target, the
/// next group of them, an answer of our own.
const sip::Message& Proxy::request_of(const Forwarding& forwarding) {
  if (at_hand_of_ != forwarding.id) {
    (void)read_again_.parse(forwarding.request.view(), transaction::no_limits, /*stream=*/false);
    at_hand_ = &read_again_;
    at_hand_of_ = forwarding.id;
  }
  return *at_hand_;
}

net::Flow Proxy::reply_flow_of(const Forwarding& forwarding) {
  net::Flow to = forwarding.from;
  to.remote.port = forwarding.reply_port;
  return to;
}

bool Proxy::is_loop(const sip::Message& request) const {
  if (request.via_count() < 2 && !env_.clients.loop_value(request.top_via().branch)) return false;
  const std::uint64_t own = loop_value(request, env_.hash_seed);
  bool loop = false;
  request.for_each_value(HeaderId::via, [&](std::string_view value, const sip::HeaderField&) {
    const auto via = sip::parse_via(value);
    if (via && !via->branch.empty()) loop = env_.clients.loop_value(via->branch) == own;
    return !loop;
  });
  return loop;
}

bool Proxy::forward(request::RequestContext& context, std::vector<routing::Destination> destinations,
                    ForwardFacts facts) {
  const sip::Message& message = context.message;
  const SlotId server =
      env_.servers.create(message, context.transaction_key, transport::reply_flow(message.top_via(), context.from),
                          /*track_merge=*/false, context.now);
  if (!server.valid()) return false;
  const SlotId id = places_.emplace();
  Place& place = *places_.find(id);
  place.timer.set_token(transaction::timer_token(TimerKind::fork, id));
  place.forwarding = std::make_unique<Forwarding>(
      message, context.from, Fork::Settings{config_->sip.timer_c, config_->sip.cancel_wait, 64 * config_->sip.t1});
  Forwarding& forwarding = *place.forwarding;
  keep_request(forwarding, message);
  at_hand_ = &message;
  at_hand_of_ = forwarding.id = id;
  forwarding.server = server;
  forwarding.facts = std::move(facts);
  forwarding.loop = loop_value(message, env_.hash_seed);
  forwarding.record = context.record;
  env_.servers.set_owner(server, id);
  forwarded_.add();
  ++under_way_;
  if (env_.log.enabled(Tag::sip_server, Level::low_level))
    env_.log(Tag::sip_server, Level::low_level, "{} {} begins source={} call-id={}", message.method_text(),
             quoted_for_log(message.request_uri_text()), context.from.remote.to_string(),
             quoted_for_log(message.call_id()));

  // RFC 5393 section 5.3.3: what rings at once shares the breadth; when there is not enough, one rings after the other.
  const bool too_wide = destinations.size() > forwarding.facts.max_breadth;
  std::uint16_t falling_q = 1000;
  std::size_t at_once = 0;
  for (const routing::Destination& d : destinations) at_once += d.q == destinations.front().q ? 1u : 0u;
  if (!too_wide && at_once > 1)
    forwarding.facts.max_breadth =
        std::max<std::uint32_t>(1, forwarding.facts.max_breadth / static_cast<std::uint32_t>(at_once));
  forwarding.branches.reserve(destinations.size());
  for (routing::Destination& destination : destinations) {
    forwarding.fork.add_branch(too_wide ? falling_q-- : destination.q);
    forwarding.branches.emplace_back().destination = std::move(destination);
  }
  send_trying(forwarding, message, context.now);
  forwarding.fork.begin(context.now, actions_);
  drain(id, nullptr, context.now);
  at_hand_of_ = {};
  return true;
}

/// INVITE: a 100 at once (RFC 3261 section 16.2). Others: only when repeated and
/// asked for (CGP-43, RFC 4320 section 4.1).
void Proxy::send_trying(Forwarding& forwarding, const sip::Message& request, TimePoint now) {
  const bool at_once = request.method() == Method::invite;
  if (!at_once && !config_->sip.trying_on_resend) return;
  std::string feedback;
  if (forwarding.facts.from_peer)
    request::append_oc(feedback, request.top_via(), forwarding.facts.percent_refused, now);
  const std::string_view trying = answers_.write(request, forwarding.from, 100, {}, {}, {}, *config_, feedback);
  if (!at_once) {
    env_.servers.keep_trying(forwarding.server, trying);
  } else {
    env_.servers.answer(forwarding.server, 100, trying, now);
  }
}

// ---- events

void Proxy::on_response(const sip::Message& response, const transaction::ClientTransactions::Match& match,
                        TimePoint now) {
  const Place* place = places_.find(match.owner);
  if (place == nullptr) return;
  if (place->afterwards) return pass_repeat(*place->afterwards, match.id, response, now);
  Forwarding* forwarding = place->forwarding.get();
  prefetch(*forwarding);
  env_.servers.prefetch(forwarding->server);
  const auto index = branch_of(*forwarding, match.id);
  // A response carries the Vias of its request: anything else is not an answer to it (threats 49).
  if (!index || response.via_count() != forwarding->via_count + 1) return;
  if (const Endpoint& peer = forwarding->branches[*index].peer; peer.port != 0)
    load_.heard(peer, response.top_via(), now);
  note_response(forwarding->branches[*index], response, now);
  if (response.status().final() && env_.log.enabled(Tag::sip_client, Level::low_level))
    env_.log(Tag::sip_client, Level::low_level, "{} answered {} by {}", forwarding->method_text(),
             response.status().value, quoted_for_log(forwarding->branches[*index].destination.uri));
  // RFC 5626 section 7; a phone that rang is not rung again in another early dialog.
  const bool flow_failed =
      response.status() == 430 || (response.status() == 408 && forwarding->branches[*index].heard != Heard::progress);
  const bool moved_on = (response.status() == 503 && try_next_target(match.owner, *forwarding, *index, now)) ||
                        (flow_failed && try_alternate(match.owner, *forwarding, *index, now));
  if (!moved_on && config_->sip.recurse_3xx && response.status().class_of() == 3 && !forwarding->fork.answered()) {
    follow_redirection(*forwarding, response);
    forwarding->fork.on_redirected(*index, now, actions_);
  } else if (!moved_on && response.status() == 430 && forwarding->branches[*index].destination.binding != 0) {
    forwarding->fork.on_failed(*index, 480, now,
                               actions_);  // "endpoints should never receive a 430" (RFC 5626 section 11.5)
  } else if (!moved_on) {                  // of several targets the fork hears of the last one only
    forwarding->fork.on_response(*index, response.status(), now, actions_);
  }
  if (response.status().final()) note_answer(forwarding->record, *index, response.status());
  drain(match.owner, &response, now);
}

void Proxy::follow_redirection(Forwarding& forwarding, const sip::Message& response) {
  constexpr std::size_t most_branches = 20;
  response.for_each_value(HeaderId::contact, [&](std::string_view value, const sip::HeaderField&) {
    if (forwarding.branches.size() >= most_branches) return false;
    const auto contact = sip::parse_contact(value);
    if (!contact || contact->star) return true;
    routing::Destination destination;
    destination.uri = contact->address.uri.text;
    destination.q = contact->q.value_or(1000);
    const bool known = std::any_of(forwarding.branches.begin(), forwarding.branches.end(),
                                   [&](const Branch& b) { return b.destination.uri == destination.uri; });
    if (known) return true;
    forwarding.fork.add_branch(destination.q);
    forwarding.branches.push_back(Branch{.destination = std::move(destination)});
    return true;
  });
}

void Proxy::on_cancel(SlotId server_transaction, TimePoint now) {
  const SlotId id = env_.servers.owner(server_transaction);
  Forwarding* forwarding = find(id);
  if (forwarding == nullptr) return;
  forwarding->record.note(Step::answer, "cancelled");
  forwarding->fork.on_cancelled(now, actions_);
  drain(id, nullptr, now);
}

void Proxy::on_timer(std::uint64_t token, TimePoint now) {
  const SlotId id = places_.id_at(static_cast<std::uint32_t>(token));
  const Place* place = places_.find(id);
  if (place == nullptr) return;
  if (place->afterwards) {
    places_.erase(id);
    return;
  }
  place->forwarding->fork.on_deadline(now, actions_);
  drain(id, nullptr, now);
}

// ---- carrying out what the fork decided

/// Actions may lead to further ones (a branch that fails while starting): the list is worked off to its end.
void Proxy::drain(SlotId id, const sip::Message* response, TimePoint now) {
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    Forwarding* forwarding = find(id);
    if (forwarding == nullptr) break;
    const Fork::Action action = actions_[i];
    act(id, *forwarding, action, response, now);
  }
  actions_.clear();
  if (Place* place = places_.find(id); place != nullptr && place->forwarding) {
    const TimePoint deadline = place->forwarding->fork.next_deadline();
    if (deadline == never) {
      place->timer.disarm();
    } else if (!place->timer.armed() || place->timer.deadline() != deadline) {
      env_.wheel.arm(place->timer, deadline);
    }
  }
}

void Proxy::act(SlotId id, Forwarding& forwarding, const Fork::Action& action, const sip::Message* response,
                TimePoint now) {
  switch (action.what) {
    case Fork::Do::start: return start_branch(id, forwarding, action.branch, now);
    case Fork::Do::cancel:
      if (forwarding.branches[action.branch].client.valid())
        env_.clients.cancel(
            forwarding.branches[action.branch].client,
            forwarding.fork.answered() ? "SIP;cause=200;text=\"Call completed elsewhere\"" : std::string_view{}, now);
      return;
    case Fork::Do::forward:
      if (response != nullptr) forward_response(forwarding, action.branch, *response, now);
      return;
    case Fork::Do::keep_best:
      if (response != nullptr) keep_best(forwarding, action.branch, *response);
      return;
    case Fork::Do::add_challenge:
      if (response != nullptr) add_challenges(forwarding, *response);
      return;
    case Fork::Do::answer_best: return answer_best(forwarding, now);
    case Fork::Do::answer_own: return answer_own(forwarding, forwarding.fork.status(), now);
    case Fork::Do::abandon: return env_.clients.abandon(forwarding.branches[action.branch].client, now);
    case Fork::Do::finish: return finish(id, now);
  }
}

/// A call that was answered lingers for 64*T1: the callee repeats its 2xx until it hears the ACK, and each repeat is
/// the caller's (RFC 6026 section 8.7). What it needs for that is little.
void Proxy::finish(SlotId id, TimePoint now) {
  Place& place = *places_.find(id);
  Forwarding& forwarding = *place.forwarding;
  --under_way_;
  const bool accepted = forwarding.fork.succeeded() && forwarding.method == Method::invite;
  // CGP-21: a session that was established is a report of its own level; a re-INVITE establishes nothing.
  const bool established = accepted && forwarding.begins_dialog;
  if (const Level level = established ? Level::major : Level::low_level; env_.log.enabled(Tag::sip, level)) {
    const std::string_view what = established ? std::string_view("call established") : forwarding.method_text();
    std::string line;
    line.reserve(512);
    append_quoted_for_log(line.append(what).append(" "), forwarding.call_id);
    append_quoted_for_log(line.append(" "), forwarding.request_uri_text());
    forwarding.record.append_to(line.append(" "));
    env_.log.write(Tag::sip, level, std::move(line));
  }
  if (!env_.servers.answered_finally(forwarding.server))
    env_.servers.forget(forwarding.server);  // RFC 4320 section 4.2
  octet_pool_.release(forwarding.request);
  if (!accepted) {
    if (forwarding.facts.call != 0) env_.calls.end(forwarding.facts.call);
    places_.erase(id);
    return;
  }
  place.afterwards = std::make_unique<Afterwards>(forwarding);
  place.forwarding.reset();
  env_.wheel.arm(place.timer, now + 64 * config_->sip.t1);
}

Proxy::Afterwards::Afterwards(const Forwarding& forwarding)
    : reply_to(reply_flow_of(forwarding)),
      server(forwarding.server),
      via_count(static_cast<std::uint16_t>(forwarding.via_count)),
      sender(forwarding.facts.sender),
      from_peer(forwarding.facts.from_peer),
      contact_replaced(forwarding.contact_replaced) {
  if (!forwarding.facts.caller_epid.empty()) caller_epid = std::make_unique<std::string>(forwarding.facts.caller_epid);
  branches.reserve(forwarding.branches.size());
  for (const auto& branch : forwarding.branches) {
    const bool natted = branch.natted && branch.destination.flow;
    branches.push_back({branch.client, natted ? std::make_unique<net::Flow>(*branch.destination.flow) : nullptr,
                        branch.peer.port != 0});
  }
}

void Proxy::pass_repeat(const Afterwards& after, SlotId client, const sip::Message& response, TimePoint now) {
  const auto branch = std::find_if(after.branches.begin(), after.branches.end(),
                                   [client](const Afterwards::Branch& b) { return b.client == client; });
  if (branch == after.branches.end() || response.via_count() != std::size_t{after.via_count} + 1) return;
  if (!response.status().success()) return;
  buffer_.clear();
  write_response(buffer_,
                 {.caller = after.sender,
                  .from_peer = branch->peer,
                  .to_peer = after.from_peer,
                  .contact_replaced = after.contact_replaced,
                  .natted_at = branch->natted_at.get(),
                  .epid = after.caller_epid ? std::string_view(*after.caller_epid) : std::string_view{}},
                 response);
  // Not the transaction's when it ended otherwise, with a 487 or a 6xx (section 16.7 step 5), or is over.
  if (!env_.servers.answer(after.server, response.status(), buffer_, now))
    env_.output.transmit(after.reply_to, buffer_);
}

// ---- responses

void Proxy::strip_own_via(std::string& out, const sip::Message& response, const net::Flow& from) {
  edits_.start(response);
  if (config_->sip.p_asserted_identity)
    strip_assertions(edits_, response, env_.transport.peer_of(from) != nullptr, /*to_peer=*/false);
  state_length(edits_, response);
  write_without_top_via(out, edits_, response, names());
}

Proxy::WayBack Proxy::way_back(const Forwarding& forwarding, std::uint16_t index) {
  const Branch& branch = forwarding.branches[index];
  return {.caller = forwarding.facts.sender,
          .from_peer = branch.peer.port != 0,
          .to_peer = forwarding.facts.from_peer,
          .contact_replaced = forwarding.contact_replaced,
          .natted_at = branch.natted && branch.destination.flow ? &*branch.destination.flow : nullptr,
          .epid = forwarding.facts.caller_epid};
}

/// The same with what the two ends need (RT-16, CGP-62).
void Proxy::write_response(std::string& out, const WayBack& way, const sip::Message& response) {
  edits_.start(response);
  config::Workarounds callee = 0;
  if (!config_->devices.empty()) {
    const std::string_view agent = response.value_of(HeaderId::user_agent);
    callee = config_->workarounds_of_agent(agent.empty() ? response.value_of(HeaderId::server) : agent);
  }
  if (response.has(HeaderId::contact) && response.cseq().method != Method::register_) {
    ContactEdits wanted;
    wanted.drop_tcp = (way.caller & config::Workaround::no_tcp) != 0;
    wanted.drop_maddr = (way.caller & config::Workaround::no_maddr) != 0;
    const bool phone = way.natted_at != nullptr && response.status().class_of() != 3;
    if (phone && (callee & config::Workaround::fix_contacts) != 0)
      wanted.fix = way.natted_at;
    else if (phone && config_->nat.contact_alias)
      wanted.alias = way.natted_at;
    edit_contacts(edits_, response, wanted);
  }
  if (config_->sip.p_asserted_identity) strip_assertions(edits_, response, way.from_peer, way.to_peer);
  if (way.contact_replaced) restore_contacts(edits_, response, env_.tokens);
  if ((callee & config::Workaround::bad_update) != 0) drop_update(edits_, response);
  if (!way.epid.empty()) restore_epid(edits_, response, HeaderId::from, way.epid);
  state_length(edits_, response);
  write_without_top_via(out, edits_, response, names());
}

void Proxy::forward_response(Forwarding& forwarding, std::uint16_t index, const sip::Message& response, TimePoint now) {
  if (forwarding.facts.ends_calls && response.status().success() && env_.calls.any()) {  // by either end
    env_.calls.end(dialog::call_name(response.call_id(), response.from_tag(), env_.hash_seed));
    env_.calls.end(dialog::call_name(response.call_id(), response.to_tag(), env_.hash_seed));
  }
  buffer_.clear();
  write_response(buffer_, way_back(forwarding, index), response);
  if (!env_.servers.answer(forwarding.server, response.status(), buffer_, now) && response.status().success())
    env_.output.transmit(reply_flow_of(forwarding), buffer_);  // a late 2xx (threats 53)
}

void Proxy::keep_best(Forwarding& forwarding, std::uint16_t index, const sip::Message& response) {
  std::string& best = best_of(forwarding).response;
  best.clear();
  write_response(best, way_back(forwarding, index), response);
}

Proxy::Best& Proxy::best_of(Forwarding& forwarding) {
  if (!forwarding.best) forwarding.best = std::make_unique<Best>();
  return *forwarding.best;
}

void Proxy::add_challenges(Forwarding& forwarding, const sip::Message& response) {
  std::string& challenges = best_of(forwarding).challenges;
  for (const HeaderId id : {HeaderId::www_authenticate, HeaderId::proxy_authenticate})
    for (const auto* field = response.first(id); field != nullptr; field = response.next(id, field)) {
      challenges += sip::name_of(id).name;
      challenges += ": ";
      challenges += response.value(*field);
      challenges += "\r\n";
    }
}

void Proxy::answer_best(Forwarding& forwarding, TimePoint now) {
  Best& best = best_of(forwarding);
  if (!best.challenges.empty()) {  // RFC 3261 section 16.7 step 7
    const auto end = best.response.find("\r\n\r\n");
    if (end != std::string::npos) best.response.insert(end + 2, best.challenges);
  }
  env_.servers.answer(forwarding.server, forwarding.fork.status(), best.response, now);
  forwarding.best.reset();
}

void Proxy::answer_own(Forwarding& forwarding, sip::StatusCode status, TimePoint now) {
  answered_by_us_.add();
  // The fork makes a 500 of a next hop's 503 (section 16.7); our own want of room is a 503 indeed.
  const bool overloaded = status == 500 && forwarding.at_limit;
  if (overloaded) status = 503;
  std::string tag;
  append_to_tag(tag, request_of(forwarding));
  forwarding.record.note(Step::answer, "own", fmt::format(FMT_STRING("{}"), status.value));
  const Level level = forwarding.fork.cancelled() ? Level::low_level : Level::problems;  // a caller may change its mind
  if (env_.log.enabled(Tag::sip_server, level))
    env_.log(Tag::sip_server, level, "{} for {} answered {}: {}", forwarding.method_text(),
             quoted_for_log(forwarding.request_uri_text()), status.value, forwarding.record.text());
  env_.servers.answer(forwarding.server, status,
                      answers_.write(request_of(forwarding), forwarding.from, status, {}, tag,
                                     overloaded ? "Retry-After: 5\r\n" : "", *config_),
                      now);
}

std::optional<std::uint16_t> Proxy::branch_of(const Forwarding& forwarding, SlotId client) const {
  for (std::size_t i = 0; i < forwarding.branches.size(); ++i)
    if (forwarding.branches[i].client == client) return static_cast<std::uint16_t>(i);
  return std::nullopt;
}

// ---- To tags of our own answers

namespace {
constexpr std::string_view own_tag_mark = "bh";
}  // namespace

void Proxy::append_to_tag(std::string& out, const sip::Message& request) const {
  const std::size_t begin = out.size();  // the text it stands for is made where it will stand
  const std::uint32_t cseq = request.cseq().number;
  const std::size_t covered = request.call_id().size() + request.from_tag().size() + 1 + sizeof cseq;
  constexpr std::size_t size = own_tag_mark.size() + crypto::base32_size;
  out.resize(begin + std::max(covered, size));
  char* at = copy_octets(request.call_id(), out.data() + begin);
  *at++ = '\n';
  at = copy_octets(request.from_tag(), at);
  std::memcpy(at, &cseq, sizeof cseq);
  const std::uint64_t mac = crypto::short_mac(tag_key_, {out.data() + begin, covered});
  crypto::write_base32(copy_octets(own_tag_mark, out.data() + begin), mac);
  out.resize(begin + size);
}

bool Proxy::is_own_to_tag(const sip::Message& ack) const {
  if (ack.to_tag().size() != own_tag_mark.size() + crypto::base32_size || !ack.to_tag().starts_with(own_tag_mark))
    return false;
  std::string expected;
  append_to_tag(expected, ack);
  return ack.to_tag() == expected;
}

}  // namespace bellhop::proxy
