#include "phone.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/digest.hpp"
#include "sip/builder.hpp"
#include "transport/reply.hpp"

namespace bellhop::scenario {

using sip::HeaderId;
using sip::Method;
using transaction::TimerKind;

namespace {
const std::string nothing;

std::string tag_of_phone(std::string_view user, int id) {
  return fmt::format("{}-{}", user, id);
}
}  // namespace

Phone::Phone(World& world, std::string user, const std::string& address, sip::Transport transport)
    : password("pw-" + user),
      from_user(user),
      domain(world.domain),
      world_(world),
      user_(std::move(user)),
      local_(*Endpoint::parse(address)),
      transport_(transport),
      wire_(world.net().make_wire()),
      wheel_(wire_->now()),
      servers_(timers_, wheel_, *this, metrics_, 7),
      clients_(timers_, wheel_, *this, metrics_, crypto::Key{1, 2, 3}, 0) {
  wire_->set_handler(*this);
  servers_.on_end = [](SlotId, SlotId, bool) {};
  clients_.on_failure = [this](SlotId id, SlotId, bool) {
    for (const Outgoing& o : outgoing_)
      if (o.transaction == id) responses_.push_back("failed " + o.method);
  };
  const auto opened =
      transport_ == sip::Transport::udp ? wire_->open_datagram(local_, {}) : wire_->listen_stream(local_, {});
  if (opened) world.name(local_, user_);
}

Phone::~Phone() = default;

net::Flow Phone::flow() const {
  net::Flow flow;
  flow.transport = transport_;
  flow.local = local_;
  flow.remote = world_.address_for(local_);
  flow.stream = stream_;
  return flow;
}

std::string Phone::contact_uri() const {
  return fmt::format("sip:{}@{}{}", user_, local_.to_string(),
                     transport_ == sip::Transport::udp ? "" : ";transport=tcp");
}

/// As callee; two phones of one user differ.
std::string Phone::own_tag() const {
  return fmt::format("uas-{}-{:x}", user_, hash_of(local_));
}

// ---- client

std::string Phone::send(std::string_view method, std::string_view uri, std::string_view more, std::string_view body) {
  Outgoing request;
  request.method = method;
  request.uri = uri;
  request.more = more;
  request.body = body;
  request.call_id = fmt::format("{}-{}@{}", user_, ++next_id_, local_.address.to_string());
  request.from = fmt::format("<sip:{}@{}>;tag={}", from_user, domain, tag_of_phone(user_, next_id_));
  request.to = fmt::format("<{}>", uri);
  outgoing_.push_back(std::move(request));
  if (method == "INVITE") {
    invite_ = outgoing_.size() - 1;
    confirmed_ = cancel_wanted_ = false;
  }
  const std::string call_id = outgoing_.back().call_id;
  transmit_request(outgoing_.back());
  return call_id;
}

std::string Phone::call(std::string_view uri, std::string_view more) {
  return send("INVITE", uri, fmt::format("Contact: <{}>\r\n{}", contact_uri(), more),
              "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n");
}

void Phone::register_contact(int expires, std::string_view contact_parameters) {
  send_register(fmt::format("Contact: <{}>{}\r\nExpires: {}\r\n", contact_uri(), contact_parameters, expires));
}

void Phone::send_register(std::string_view contact_lines, std::string_view more) {
  Outgoing request;
  request.method = "REGISTER";
  request.uri = "sip:" + domain;
  request.more = fmt::format("{}{}", contact_lines, more);
  request.call_id = fmt::format("reg-{}@{}", user_, local_.address.to_string());
  request.cseq = static_cast<std::uint32_t>(++next_id_ * 10);
  request.from = fmt::format("<sip:{}@{}>;tag={}", from_user, domain, tag_of_phone(user_, next_id_));
  request.to = fmt::format("<sip:{}@{}>", from_user, domain);
  outgoing_.push_back(std::move(request));
  transmit_request(outgoing_.back());
}

void Phone::transmit_request(Outgoing& request) {
  request.transaction = clients_.reserve();
  std::string branch;
  clients_.append_branch(branch, request.transaction, static_cast<std::uint64_t>(next_id_));
  request.octets.clear();
  sip::Builder builder(request.octets);
  builder.request(request.method, request.uri)
      .header(HeaderId::via,
              fmt::format("SIP/2.0/{} {};rport;branch={}", sip::via_name(transport_), local_.to_string(), branch))
      .header(HeaderId::max_forwards, std::uint64_t{70})
      .header(HeaderId::from, request.from)
      .header(HeaderId::to, request.to)
      .header(HeaderId::call_id, request.call_id)
      .header(HeaderId::cseq, fmt::format("{} {}", request.cseq, request.method));
  request.octets += request.more;
  for (const auto& [proxy, text] : request.challenges) request.octets += credentials(request, proxy, text);
  request.octets += display_headers;
  builder.body(request.body.empty()          ? ""
               : request.method == "MESSAGE" ? "text/plain"
                                             : "application/sdp",
               request.body);
  if (transport_ != sip::Transport::udp && !stream_.valid())
    stream_ = wire_->connect(world_.address_for(local_), local_.address, {});
  clients_.start(request.transaction, sip::method_from(request.method), request.octets, flow(), SlotId{}, wire_->now());
}

void Phone::cancel() {
  cancel_wanted_ = true;
  if (invite_ != SIZE_MAX) clients_.cancel(outgoing_[invite_].transaction, {}, wire_->now());
}

void Phone::hang_up() {
  in_dialog("BYE");
}

void Phone::in_dialog(std::string_view method, std::string_view more) {
  Outgoing request;
  request.method = method;
  request.uri = dialog_.target;
  request.call_id = dialog_.call_id;
  request.from = dialog_.local;
  request.to = dialog_.remote;
  request.cseq = ++dialog_.cseq;
  for (const std::string& route : dialog_.routes) request.more += fmt::format("Route: {}\r\n", route);
  request.more += more;
  if (method == "INVITE") request.more += fmt::format("Contact: <{}>\r\n", contact_uri());
  outgoing_.push_back(std::move(request));
  if (method == "INVITE") invite_ = outgoing_.size() - 1;
  transmit_request(outgoing_.back());
}

void Phone::send_raw(std::string_view octets) {
  if (transport_ != sip::Transport::udp && !stream_.valid())
    stream_ = wire_->connect(world_.address_for(local_), local_.address, {});
  transmit(flow(), octets);
}

std::string Phone::credentials(const Outgoing& request, bool proxy, std::string_view challenge) const {
  const auto parameters = sip::parse_auth(challenge);
  if (!parameters) return {};
  const auto algorithm =
      crypto::hash_algorithm_from(parameters->value("algorithm")).value_or(crypto::HashAlgorithm::md5);
  const std::string realm = sip::unquote(parameters->value("realm"));
  const std::string nonce(parameters->value("nonce"));
  const auto ha1 = crypto::ha1(algorithm, user_, realm, password);
  const std::string count =
      fmt::format("{:08x}", request.challenges.size());  // no nonce is used twice with the same count
  const auto response =
      crypto::digest_response({algorithm, false, ha1, request.method, request.uri, nonce, count, "abc", "auth", {}});
  return fmt::format(
      "{}: Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\", algorithm={}, qop=auth, "
      "nc={}, "
      "cnonce=\"abc\"\r\n",
      proxy ? "Proxy-Authorization" : "Authorization", user_, realm, nonce, request.uri, response.view(),
      crypto::name_of(algorithm), count);
}

void Phone::on_response(const sip::Message& response, TimePoint now) {
  const auto match = clients_.on_response(response, now);
  if (match.kind != transaction::ClientTransactions::Match::Kind::pass_up) return;
  const std::string method(response.cseq().method_text);
  const int status = response.status().value;
  responses_.push_back(fmt::format("{} {}", status, method));
  last_responses_[method] = response.octets();
  last_status_[method] = status;
  const auto found =
      std::find_if(outgoing_.begin(), outgoing_.end(), [&](const Outgoing& o) { return o.transaction == match.id; });
  if (found == outgoing_.end()) return;
  const auto* challenge = response.first(status == 407 ? HeaderId::proxy_authenticate : HeaderId::www_authenticate);
  if ((status == 401 || status == 407) && challenge != nullptr) {
    const auto parameters = sip::parse_auth(response.value(*challenge));
    const auto realm_of = [](std::string_view text) { return sip::unquote(sip::parse_auth(text)->value("realm")); };
    if (!parameters) return;
    for (const auto& [proxy, text] : found->challenges)
      if (realm_of(text) == sip::unquote(parameters->value("realm"))) return;  // it did not like the password
    Outgoing again = *found;
    again.challenges.emplace_back(status == 407, response.value(*challenge));
    ++again.cseq;
    const bool is_invite = again.method == "INVITE";
    outgoing_.push_back(std::move(again));
    if (is_invite) invite_ = outgoing_.size() - 1;
    dialog_.cseq = outgoing_.back().cseq;
    return transmit_request(outgoing_.back());
  }
  if (method != "INVITE") return;
  if (cancel_wanted_ && response.status().provisional()) cancel();
  if (response.status().success()) acknowledge(response);
}

/// ACK of a 2xx (RFC 3261 section 13.2.2.4): a request of its own along the route set; repeated for every repeat of the
/// 2xx.
void Phone::acknowledge(const sip::Message& response) {
  dialog_ = {};
  dialog_.call_id = response.call_id();
  dialog_.local = response.value_of(HeaderId::from);
  dialog_.remote = response.value_of(HeaderId::to);
  dialog_.cseq = response.cseq().number;
  response.for_each_value(HeaderId::record_route, [&](std::string_view value, const sip::HeaderField&) {
    dialog_.routes.insert(dialog_.routes.begin(), std::string(value));
    return true;
  });
  if (const auto contact = sip::parse_contact(response.value_of(HeaderId::contact)))
    dialog_.target = contact->address.uri.text;
  confirmed_ = true;
  std::string ack;
  sip::Builder builder(ack);
  builder.request("ACK", dialog_.target)
      .header(HeaderId::via, fmt::format("SIP/2.0/{} {};rport;branch=z9hG4bKack{}-{}", sip::via_name(transport_),
                                         local_.to_string(), user_, dialog_.cseq));
  for (const std::string& route : dialog_.routes) builder.header(HeaderId::route, route);
  builder.header(HeaderId::max_forwards, std::uint64_t{70})
      .header(HeaderId::from, dialog_.local)
      .header(HeaderId::to, dialog_.remote)
      .header(HeaderId::call_id, dialog_.call_id)
      .header(HeaderId::cseq, fmt::format("{} ACK", dialog_.cseq))
      .body(script.ack_body.empty() ? "" : "application/sdp", script.ack_body);
  transmit(flow(), ack);
}

// ---- server

void Phone::on_request(const sip::Message& request, const net::Flow& from, TimePoint now) {
  if (servers_.on_request(request, now) != transaction::ServerTransactions::Arrival::fresh) return;
  const std::string method(request.method_text());
  requests_.push_back(method);
  last_requests_[method] = request.octets();
  if (request.method() == Method::ack) {
    acked_ = true;
    return;
  }
  if (request.method() == Method::cancel) {
    if (!script.answer_cancel) return;
    const SlotId own = servers_.create(request, transport::reply_flow(request.top_via(), from), false, now);
    reply(own, request, 200, {}, now);
    if (served_ && script.send_487 && !servers_.answered_finally(served_transaction_)) answer_invite(487, now);
    return;
  }
  const SlotId transaction = servers_.create(request, transport::reply_flow(request.top_via(), from), false, now);
  if (request.method() == Method::invite) {
    served_ = std::make_unique<sip::OwnedMessage>(request);
    served_from_ = from;
    served_transaction_ = transaction;
    acked_ = false;
    if (!script.challenge.empty() && !request.has(HeaderId::authorization))
      return reply(transaction, request, 401, fmt::format("WWW-Authenticate: {}\r\n", script.challenge), now);
    return on_invite(request, from, now);
  }
  if (request.method() == Method::bye) confirmed_ = false;
  reply(transaction, request, 200, {}, now);
}

void Phone::on_invite(const sip::Message&, const net::Flow&, TimePoint) {
  const SlotId transaction = served_transaction_;
  for (const auto& [after, status] : script.answers)
    later(after, [this, transaction, code = status] {
      if (transaction == served_transaction_ && !servers_.answered_finally(transaction))
        answer_invite(code, wire_->now());
    });
}

void Phone::answer_invite(int status, TimePoint now) {
  const sip::Message& request = **served_;
  const std::string more =
      fmt::format("Contact: <{}>\r\n{}", script.contact.empty() ? contact_uri() : script.contact, script.headers);
  reply(served_transaction_, request, status, more, now);
  if (status / 100 != 2) return;
  dialog_ = {};
  dialog_.uas = true;
  dialog_.call_id = request.call_id();
  dialog_.local = fmt::format("{};tag={}", request.value_of(HeaderId::to), own_tag());
  if (!request.to_tag().empty()) dialog_.local = request.value_of(HeaderId::to);
  dialog_.remote = request.value_of(HeaderId::from);
  request.for_each_value(HeaderId::record_route, [&](std::string_view value, const sip::HeaderField&) {
    dialog_.routes.emplace_back(value);
    return true;
  });
  if (const auto contact = sip::parse_contact(request.value_of(HeaderId::contact)))
    dialog_.target = contact->address.uri.text;
  confirmed_ = true;
  // The 2xx is repeated until its ACK comes (RFC 3261 section 13.3.1.4).
  auto repeat = std::make_shared<std::function<void(Duration)>>();
  const SlotId transaction = served_transaction_;
  const TimePoint end = wire_->now() + seconds(32);  // RFC 3261 section 13.3.1.4: for 64*T1
  *repeat = [this, weak = std::weak_ptr(repeat), transaction, octets = final_2xx_, end](Duration interval) {
    if (acked_ || wire_->now() > end || transaction != served_transaction_) return;
    servers_.answer(transaction, 200, octets, wire_->now());
    const Duration next = std::min<Duration>(2 * interval, seconds(4));
    later(next, [self = weak.lock(), next] { (*self)(next); });
  };
  later(milliseconds(500), [repeat] { (*repeat)(milliseconds(500)); });
}

void Phone::reply(SlotId transaction, const sip::Message& request, int status, std::string_view more, TimePoint now) {
  std::string octets, facts;
  transport::append_via_facts(facts, request.top_via(), flow());
  auto builder = sip::start_response(octets, request, status, {}, own_tag(), {});
  octets += more;
  builder.no_body();
  if (request.method() == Method::invite && status / 100 == 2) final_2xx_ = octets;
  servers_.answer(transaction, status, octets, now);
}

// ---- wire

void Phone::later(Duration after, std::function<void()> what) {
  const SlotId id = laters_.emplace();
  Later& entry = *laters_.find(id);
  entry.what = std::move(what);
  entry.timer.set_token(transaction::timer_token(TimerKind::other, id));
  wheel_.arm(entry.timer, wire_->now() + after);
}

void Phone::on_turn(TimePoint now) {
  wheel_.advance(now, [&](std::uint64_t token) {
    const auto kind = static_cast<TimerKind>(token >> 56);
    if (kind == TimerKind::server) return servers_.on_timer(token, now);
    if (kind == TimerKind::client) return clients_.on_timer(token, now);
    const SlotId id = laters_.id_at(static_cast<std::uint32_t>(token));
    if (Later* entry = laters_.find(id)) {
      const auto what = std::move(entry->what);
      laters_.erase(id);
      what();
    }
  });
}

void Phone::transmit(const net::Flow& to, std::string_view octets) {
  if (to.is_stream()) {
    wire_->send_stream(to.stream.valid() ? to.stream : stream_, octets, 1 << 20);
  } else {
    wire_->send_datagram(0, to.remote, octets);
  }
}

void Phone::on_datagram(net::SocketId, const Endpoint& from, std::string_view octets, TimePoint now) {
  net::Flow arrival = flow();
  arrival.remote = from;
  on_message(arrival, octets, now);
}

void Phone::on_accept(net::SocketId, net::StreamId, const Endpoint&, const Endpoint&, TimePoint) {}

void Phone::on_stream_data(net::StreamId stream, std::string_view octets, TimePoint now) {
  auto& [framer, input] = inputs_[stream.packed()];
  if (!framer) framer = std::make_unique<sip::StreamFramer>();
  input.append(octets);
  while (!input.empty()) {
    const auto found = framer->look(input, sip::Limits{});
    if (found.outcome == sip::StreamFramer::Outcome::need_more || found.outcome == sip::StreamFramer::Outcome::refused)
      break;
    framer->consumed();
    const std::string piece = input.substr(0, found.size);
    input.erase(0, found.size);
    net::Flow arrival = flow();
    arrival.stream = stream;
    if (found.outcome == sip::StreamFramer::Outcome::message) on_message(arrival, piece, now);
  }
}

void Phone::on_closed(net::StreamId stream, net::CloseReason, TimePoint) {
  inputs_.erase(stream.packed());
  if (stream == stream_) stream_ = {};
}

void Phone::close_connection() {
  if (stream_.valid()) wire_->close(stream_, Duration::zero());
}

void Phone::on_message(const net::Flow& from, std::string_view octets, TimePoint now) {
  sip::Message message;
  if (!message.parse(octets, sip::Limits{}, from.is_stream())) return;
  if (message.is_request()) return on_request(message, from, now);
  on_response(message, now);
}

// ---- history

int Phone::last_status(std::string_view method) const {
  const auto found = last_status_.find(method);
  return found == last_status_.end() ? 0 : found->second;
}
std::size_t Phone::count_requests(std::string_view method) const {
  return static_cast<std::size_t>(std::count(requests_.begin(), requests_.end(), method));
}
std::size_t Phone::count_responses(std::string_view text) const {
  return static_cast<std::size_t>(std::count(responses_.begin(), responses_.end(), text));
}
const std::string& Phone::last_request(std::string_view method) const {
  const auto found = last_requests_.find(method);
  return found == last_requests_.end() ? nothing : found->second;
}
const std::string& Phone::last_response(std::string_view method) const {
  const auto found = last_responses_.find(method);
  return found == last_responses_.end() ? nothing : found->second;
}
const std::string& Phone::last_sent(std::string_view method) const {
  const auto found =
      std::find_if(outgoing_.rbegin(), outgoing_.rend(), [&](const Outgoing& o) { return o.method == method; });
  return found == outgoing_.rend() ? nothing : found->octets;
}

// ---- two of them

TwoPhones::TwoPhones(World& in) : world(in), alice(in, "alice", "127.0.0.2:5060"), bob(in, "bob", "127.0.0.3:5060") {
  alice.register_contact();
  bob.register_contact();
  world.run_for(seconds(40));
  EXPECT_EQ(alice.last_status("REGISTER"), 200);
  EXPECT_EQ(bob.last_status("REGISTER"), 200);
  alice.forget();
  bob.forget();
  (void)world.arrows();
}

}  // namespace bellhop::scenario
