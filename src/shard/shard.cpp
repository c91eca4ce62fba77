#include "shard/shard.hpp"

#include <fmt/format.h>

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
      proxy_({transport_, *this, servers_, clients_, shared_.resolver, *this, shared_.avoided, shared_.calls, wheel_,
              shared_.log, metrics_, tokens_, shared_.key, shared_.hash_seed},
             config_),
      registrar_(shared_.table, metrics_, shared_.key),
      router_(shared_.directory, shared_.table, shared_.key),
      pipeline_({shared_.directory, shared_.authenticator, shared_.calls, registrar_, router_, proxy_, transport_,
                 servers_, *this, tokens_, shared_.log, metrics_, wire.mark(), shared_.hash_seed, index}),
      pinger_({shared_.table, transport_, *this, metrics_, crypto::subkey(shared_.key, "ping")}, wire.now()),
      inbox_(config_->sip.receive_queue),
      next_expiry_(wire.now() + expiry_interval),
      malformed_(metrics_.counter("messages.malformed")),
      stray_responses_(metrics_.counter("responses.stray")),
      hops_(metrics_.counter("shard.hops")),
      long_turns_(metrics_.counter("shard.long_turns")),
      longest_turn_(metrics_.gauge("shard.longest_turn_us")) {
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
  const Duration most_linger = timers_.most_linger;
  timers_ = timers_of(config_->sip);
  timers_.most_linger = most_linger;
  transport_.apply(config_);
  proxy_.apply(config_);
  apply_limits();
}

void Shard::apply_limits() {
  const std::size_t shards = std::max<std::size_t>(1, peers_.size());
  proxy_.set_shards(shards);
  servers_.set_limit(std::max<std::size_t>(1, config_->sip.server_transactions / shards));
  clients_.set_limit(std::max<std::size_t>(1, config_->sip.client_transactions / shards));
  limits_.message_size = config_->sip.max_message_size;
  limits_.header_block_size = config_->sip.max_header_block;
  wire_.set_joining(config_->sip.join_datagrams);
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

/// A full inbox is worked off in pieces, so that sockets and timers have their turns in between.
void Shard::on_wake(TimePoint now) {
  constexpr std::size_t values_a_turn = 64;
  if (next_taken_ == taken_.size()) {
    inbox_.take(taken_);
    next_taken_ = 0;
  }
  wire_.mark().step("inbox");
  for (std::size_t i = 0; i < values_a_turn && next_taken_ < taken_.size(); ++i) take(taken_[next_taken_++], now);
  if (next_taken_ == taken_.size()) taken_.clear(), next_taken_ = 0;
  // What is left, or came while this batch was worked off without waking us.
  if (next_taken_ < taken_.size() || !inbox_.empty()) wire_.wake();
}

void Shard::on_long_turn(Duration lasted, const char* step) {
  long_turns_.add();
  longest_turn_.set(std::max<std::int64_t>(longest_turn_.value(), lasted.count()));
  shared_.log(Tag::server, Level::problems, "shard {} was busy for {} ms without looking up, in step \"{}\"", index_,
              lasted / milliseconds(1), step != nullptr ? step : "unknown");
}

void Shard::on_turn(TimePoint now) {
  wire_.mark().step("timers");
  wheel_.advance(now, [&](std::uint64_t token) {
    switch (static_cast<TimerKind>(token >> 56)) {
      case TimerKind::server: return servers_.on_timer(token, now);
      case TimerKind::client: return clients_.on_timer(token, now);
      case TimerKind::fork: return proxy_.on_timer(token, now);
      case TimerKind::other: return transport_.on_timer(token & 0x00ffffffffffffff, now);
    }
  });
  pipeline_.on_turn(now);
  wire_.mark().step("pings");
  pinger_.on_turn(*config_, index_, static_cast<unsigned>(peers_.size()), now);
  if (now >= next_expiry_) {
    next_expiry_ = now + expiry_interval;
    timers_.most_linger = transaction::most_linger_at(servers_.size(), servers_.limit());
    wire_.mark().step("expiry of bindings");
    if (index_ == 0) shared_.table.expire(now);
  }
  wire_.mark().step("sending");
}

TimePoint Shard::next_deadline() const {
  return std::min({wheel_.next_deadline(), next_expiry_, pinger_.next_deadline(*config_), pipeline_.next_deadline()});
}

// ---- between shards

bool Shard::post(Post&& value) {
  // Traffic may be dropped (CGP-29); a snapshot, a failure or an answer may not: who waits for it would wait for ever.
  const auto* send = std::get_if<SendOctets>(&value);
  const bool traffic = std::holds_alternative<ForwardedMessage>(value) || std::holds_alternative<Probe>(value) ||
                       (send != nullptr && !send->octets.empty());
  bool was_empty = false;
  if (!inbox_.post(std::move(value), &was_empty, !traffic)) return false;
  if (was_empty) wire_.wake();
  return true;
}

void Shard::take(Post& value, TimePoint now) {
  if (auto* message = std::get_if<ForwardedMessage>(&value)) {
    handle(message->from, message->octets, message->arrived, now);
  } else if (auto* send = std::get_if<SendOctets>(&value)) {
    if (send->octets.empty()) return on_flow_failed(send->to, net::CloseReason::reset, now);
    transport_.send(send->to, send->octets);
  } else if (const auto* probe = std::get_if<Probe>(&value)) {
    transport_.probe(probe->flow);
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
      peers_[owner]->post(ForwardedMessage{from, std::string(octets), now - wire_.queue_delay()});
      return;
    }
  }
  handle(from, octets, now - wire_.queue_delay(), now);
}

void Shard::handle(const net::Flow& from, std::string_view octets, TimePoint arrived, TimePoint now) {
  tap_.message(observe::Tap::Direction::received, sip::param_name(from.transport).data(), from.local, from.remote,
               octets, now);
  const auto parsed = message_.parse(octets, limits_, sip::is_stream(from.transport));
  if (!parsed) return refuse_malformed(from, octets, parsed.error(), now);
  wire_.set_subject(hash64(message_.call_id(), shared_.hash_seed));
  if (message_.is_request()) {
    pipeline_.on_request(message_, from, *config_, arrived, now);
  } else {
    on_response(from, now);
  }
  wire_.set_subject(0);
}

void Shard::on_response(const net::Flow& from, TimePoint now) {
  using Kind = transaction::ClientTransactions::Match::Kind;
  const auto match = clients_.on_response(message_, now);
  if (match.kind == Kind::pass_up) return proxy_.on_response(message_, match, now);
  if (match.kind == Kind::absorbed || proxy_.on_stateless_response(message_, from, now)) return;
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
                             TimePoint now) {
  malformed_.add();
  transport_.count(guard::Evidence::malformed, from, !from.is_stream(),
                   fmt::format(FMT_STRING("{}: {}"), refusal.reason, octets.substr(0, octets.find('\r'))), now);
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
  const std::string_view answered =
      answers_.write_to_refused(message_, from, refusal.status, refusal.reason, tag, *config_);
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
  for (const std::string& aor : users)
    for (std::size_t removed = shared_.table.remove_over(aor, flow, now); removed > 0; --removed)
      shared_.log(Tag::registrar, Level::low_level, "binding removed aor={} reason=\"its connection ended\"", aor);
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
  if (flow.shard < peers_.size()) peers_[flow.shard]->post(Probe{flow});
}

// ---- transactions

void Shard::transmit(const net::Flow& to, std::string_view octets) {
  tap_.message(observe::Tap::Direction::sent, sip::param_name(to.transport).data(), to.local, to.remote, octets,
               wire_.now());
  transport_.send(to, octets);
}

}  // namespace bellhop::shard
