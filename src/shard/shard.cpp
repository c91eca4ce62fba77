#include "shard/shard.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "crypto/subkey.hpp"
#include "sip/builder.hpp"
#include "transport/reply.hpp"

namespace bellhop::shard {

using observe::Level;
using observe::Tag;
using transaction::TimerKind;

namespace {

transaction::Timers timers_of(const config::Sip& sip) {
  transaction::Timers timers;
  timers.t1 = sip.t1;
  timers.t2 = sip.t2;
  timers.t4 = sip.t4;
  timers.timer_b = sip.timer_b;
  timers.timer_f = 64 * sip.t1;
  timers.timer_d = std::max<Duration>(seconds(32), 64 * sip.t1);
  return timers;
}

constexpr Duration expiry_interval = seconds(1);

}  // namespace

Shard::Shard(std::uint16_t index, net::Wire& wire, const Shared& shared, config::SnapshotPtr config,
             std::uint64_t random_seed)
    : index_(index),
      wire_(wire),
      shared_(shared),
      config_(std::move(config)),
      tap_(shared.log, metrics_),
      timers_(timers_of(config_->sip)),
      wheel_(wire.now()),
      tokens_(shared.key),
      transport_({wire, *this, shared_.connections, shared_.guard, shared_.log, metrics_, wheel_,
                  static_cast<std::uint8_t>(TimerKind::other), index},
                 config_),
      servers_(timers_, wheel_, *this, metrics_, shared.hash_seed ^ random_seed),
      clients_(timers_, wheel_, *this, metrics_, crypto::subkey(shared.key, "branch"), index,
               static_cast<std::uint32_t>(random_seed)),
      proxy_({transport_, *this, servers_, clients_, shared_.resolver, *this, shared_.avoided, wheel_, shared_.log,
              metrics_, tokens_, shared_.key, shared_.hash_seed},
             config_),
      registrar_(shared_.table, metrics_, shared_.key),
      router_(shared_.directory, shared_.table, shared_.key),
      pipeline_({shared_.directory, shared_.authenticator, shared_.guard, registrar_, router_, proxy_, transport_,
                 servers_, *this, tokens_, shared_.log, metrics_, index}),
      pinger_({shared_.table, transport_, *this, metrics_, crypto::subkey(shared_.key, "ping")}, wire.now()),
      inbox_(config_->sip.receive_queue),
      next_expiry_(wire.now() + expiry_interval),
      malformed_(metrics_.counter("messages.malformed")),
      stray_responses_(metrics_.counter("responses.stray")),
      hops_(metrics_.counter("shard.hops")) {
  wire_.set_handler(*this);
  peers_.push_back(this);
  servers_.on_end = [](SlotId, SlotId, bool) {};
  clients_.on_failure = [this](SlotId id, SlotId owner, bool timed_out) {
    proxy_.on_client_failure(id, owner, timed_out, wire_.now());
  };
  metrics_.computed("shard.inbox.dropped", [this] { return static_cast<std::int64_t>(inbox_.dropped()); });
  apply_limits();
}

Shard::~Shard() = default;

Result<void, std::string> Shard::open() {
  return transport_.open();
}

void Shard::apply(config::SnapshotPtr config) {
  config_ = std::move(config);
  timers_ = timers_of(config_->sip);
  transport_.apply(config_);
  proxy_.apply(config_);
  apply_limits();
}

void Shard::apply_limits() {
  const std::size_t shards = std::max<std::size_t>(1, peers_.size());
  servers_.set_limit(std::max<std::size_t>(1, config_->sip.server_transactions / shards));
  clients_.set_limit(std::max<std::size_t>(1, config_->sip.client_transactions / shards));
  limits_.message_size = config_->sip.max_message_size;
  limits_.header_block_size = config_->sip.max_header_block;
  inbox_.set_limit(config_->sip.receive_queue);
  tap_.set_dump_call_packets(config_->log.dump_call_packets);
  tap_.set_ring_size(config_->log.trace_ring);
}

// ---- the wire

void Shard::on_datagram(net::SocketId socket, const Endpoint& from, std::string_view octets, TimePoint now) {
  transport_.on_datagram(socket, from, octets, now);
}
void Shard::on_unreachable(net::SocketId socket, const Endpoint& to, TimePoint now) {
  transport_.on_unreachable(socket, to, now);
}
void Shard::on_accept(net::SocketId listener, net::StreamId stream, const Endpoint& local, const Endpoint& remote,
                      TimePoint now) {
  transport_.on_accept(listener, stream, local, remote, now);
}
void Shard::on_connected(net::StreamId stream, const Endpoint& local, TimePoint now) {
  transport_.on_connected(stream, local, now);
}
void Shard::on_stream_data(net::StreamId stream, std::string_view octets, TimePoint now) {
  transport_.on_stream_data(stream, octets, now);
}
void Shard::on_closed(net::StreamId stream, net::CloseReason reason, TimePoint now) {
  transport_.on_closed(stream, reason, now);
}

void Shard::on_wake(TimePoint now) {
  inbox_.take(taken_);
  for (Post& value : taken_) take(value, now);
  taken_.clear();
}

void Shard::on_turn(TimePoint now) {
  wheel_.advance(now, [&](std::uint64_t token) {
    switch (static_cast<TimerKind>(token >> 56)) {
      case TimerKind::server: return servers_.on_timer(token, now);
      case TimerKind::client: return clients_.on_timer(token, now);
      case TimerKind::fork: return proxy_.on_timer(token, now);
      case TimerKind::other: return transport_.on_timer(token & 0x00ffffffffffffff, now);
    }
  });
  pinger_.on_turn(*config_, index_, static_cast<unsigned>(peers_.size()), now);
  if (now >= next_expiry_) {
    next_expiry_ = now + expiry_interval;
    if (index_ == 0) shared_.table.expire(now);
  }
}

TimePoint Shard::next_deadline() const {
  return std::min({wheel_.next_deadline(), next_expiry_, pinger_.next_deadline(*config_)});
}

// ---- between shards

bool Shard::post(Post&& value) {
  // Traffic may be dropped (CGP-29); a snapshot, a failure or an answer may not: who waits for it would wait for ever.
  const auto* send = std::get_if<SendOctets>(&value);
  const bool traffic = std::holds_alternative<ForwardedMessage>(value) || (send != nullptr && !send->octets.empty());
  bool was_empty = false;
  if (!inbox_.post(std::move(value), &was_empty, !traffic)) return false;
  if (was_empty) wire_.wake();
  return true;
}

void Shard::take(Post& value, TimePoint now) {
  if (auto* message = std::get_if<ForwardedMessage>(&value)) {
    handle(message->from, message->octets, now);
  } else if (auto* send = std::get_if<SendOctets>(&value)) {
    if (send->octets.empty()) return on_flow_failed(send->to, net::CloseReason::reset, now);
    transport_.send(send->to, send->octets);
  } else if (auto* failed = std::get_if<FlowFailed>(&value)) {
    clients_.on_flow_failed(failed->flow, now);
  } else if (auto* resolved = std::get_if<Resolved>(&value)) {
    proxy_.on_answer(resolved->key, resolved->answer, now);
  } else if (auto* snapshot = std::get_if<Apply>(&value)) {
    apply(std::move(snapshot->config));
  } else if (auto* task = std::get_if<Task>(&value)) {
    task->run(*this);
  }
}

std::uint16_t Shard::owner_of(std::string_view octets) const {
  const std::string_view call_id = sip::peek_call_id(octets);
  if (call_id.empty()) return index_;
  return static_cast<std::uint16_t>(hash64(call_id, shared_.hash_seed) % peers_.size());
}

void Shard::on_answer(std::uint64_t key, net::AnswerPtr answer) {
  post(Resolved{key, std::move(answer)});
}

// ---- transport

void Shard::on_message(const net::Flow& from, std::string_view octets, TimePoint now) {
  if (peers_.size() > 1) {
    if (const std::uint16_t owner = owner_of(octets); owner != index_) {
      hops_.add();
      peers_[owner]->post(ForwardedMessage{from, std::string(octets)});
      return;
    }
  }
  handle(from, octets, now);
}

void Shard::handle(const net::Flow& from, std::string_view octets, TimePoint now) {
  tap_.message(observe::Tap::Direction::received, sip::param_name(from.transport).data(), from.local, from.remote,
               octets, now);
  const auto parsed = message_.parse(octets, limits_, sip::is_stream(from.transport));
  if (!parsed) return refuse_malformed(from, octets, parsed.error(), now);
  if (message_.is_request()) return pipeline_.on_request(message_, from, *config_, now);
  on_response(from, now);
}

void Shard::on_response(const net::Flow& from, TimePoint now) {
  using Kind = transaction::ClientTransactions::Match::Kind;
  const auto match = clients_.on_response(message_, now);
  if (match.kind == Kind::pass_up) return proxy_.on_response(message_, match, now);
  if (match.kind == Kind::absorbed || proxy_.on_stateless_response(message_, from)) return;
  if (pinger_.takes(message_)) return;
  stray_responses_.add();  // RFC 6026 section 7.3: a stateful proxy drops it
  shared_.log(Tag::sip_client, Level::problems, "stray response {} dropped source={}", message_.status().value,
              from.remote.to_string());
}

void Shard::on_unframed(const net::Flow& from, std::string_view octets, const sip::ParseRefusal& refusal,
                        TimePoint now) {
  tap_.message(observe::Tap::Direction::received, sip::param_name(from.transport).data(), from.local, from.remote,
               octets, now);
  (void)message_.parse(octets, limits_, true);  // finds what there is to answer
  refuse_malformed(from, octets, refusal, now);
}

/// Bad input costs a counter, a log line and at most one answer; it never makes state (house.md, threats section 3).
void Shard::refuse_malformed(const net::Flow& from, std::string_view octets, const sip::ParseRefusal& refusal,
                             TimePoint) {
  malformed_.add();
  shared_.log(Tag::sip, Level::problems,
              "malformed message source={} transport={} size={} at={} reason=\"{}\" start={}", from.remote.to_string(),
              sip::param_name(from.transport), octets.size(), refusal.offset, refusal.reason,
              quoted_for_log(octets.substr(0, octets.find('\r')), 80));
  const bool answer = refusal.kind != sip::ParseRefusal::Kind::not_sip &&
                      refusal.kind != sip::ParseRefusal::Kind::bad_response && message_.is_request() &&
                      message_.method() != sip::Method::ack && sip::answerable(message_);
  if (!answer) return;
  std::string tag;
  proxy_.append_to_tag(tag, message_);
  const std::string_view answered = answers_.write(message_, from, refusal.status, refusal.reason, tag, {}, *config_);
  if (answered.size() <= request::most_octets_back(message_, from))
    transmit(transport::reply_flow(message_.top_via(), from), answered);
}

void Shard::on_flow_failed(const net::Flow& flow, net::CloseReason, TimePoint now) {
  clients_.on_flow_failed(flow, now);
  // The kernel tells an ICMP error to any one of the sockets that share the address, not to that which sent.
  for (Shard* peer : peers_)
    if (peer != this) peer->post(FlowFailed{flow});
}

/// USR-12: a browser cannot be reached without its connection, so its bindings end with it; those of phones by the
/// operator's choice.
void Shard::on_users_lost(const net::Flow& flow, const std::vector<std::string>& users, TimePoint now) {
  const bool browser = sip::is_websocket(flow.transport);
  if (!browser && config_->registrar.lost_connection == config::LostConnection::dormant) return;
  std::vector<location::Binding> bindings;
  for (const std::string& aor : users) {
    shared_.table.find(aor, now, bindings);
    for (const location::Binding& binding : bindings)
      if (binding.flow.stream == flow.stream && binding.flow.shard == flow.shard &&
          shared_.table.remove(aor, binding.id, now))
        shared_.log(Tag::registrar, Level::low_level, "binding removed aor={} reason=\"its connection ended\"", aor);
  }
}

void Shard::post_send(const net::Flow& to, std::string_view octets) {
  if (octets.empty() || to.shard >= peers_.size()) {
    post(SendOctets{to, {}});  // to ourselves: the failure is told on the next turn, never from within a send
    return;
  }
  hops_.add();
  peers_[to.shard]->post(SendOctets{to, std::string(octets)});
}

void Shard::post_probe(const net::Flow& flow) {
  if (flow.shard < peers_.size())
    peers_[flow.shard]->post(Task{[flow](Shard& owner) { owner.transport_.probe(flow); }});
}

// ---- transactions

void Shard::transmit(const net::Flow& to, std::string_view octets) {
  tap_.message(observe::Tap::Direction::sent, sip::param_name(to.transport).data(), to.local, to.remote, octets,
               wire_.now());
  transport_.send(to, octets);
}

}  // namespace bellhop::shard
