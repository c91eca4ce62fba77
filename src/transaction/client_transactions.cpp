#include <variant>

#include "sip/builder.hpp"
#include "transaction/branch.hpp"
#include "transaction/flow_chains.hpp"
#include "transaction/octets.hpp"
#include "transaction/tables.hpp"

namespace bellhop::transaction {

/// monostate: reserved, not started.
using Machine = std::variant<std::monostate, InviteClient, NonInviteClient>;

struct ClientTransactions::Entry : FlowLink {
  Machine machine;
  net::Timer timer;
  net::Flow target;
  Octets held;  ///< the request, then the ACK
  SlotId owner;
  SlotId cancel;  ///< the transaction of this INVITE's CANCEL
  TimePoint started{};
  std::uint32_t messages = 0;
  SentVia via;
  sip::Method method = sip::Method::other;
  bool is_cancel = false;  ///< nobody waits for it
  bool failed = false;     ///< the transport failed: ends when its timer fires

  [[nodiscard]] bool started_yet() const { return !std::holds_alternative<std::monostate>(machine); }
};

struct ClientTransactions::Tables {
  static_assert(sizeof(Entry) <= 216, "thousands linger for half a minute each");

  Tables(const Timers& intervals, net::TimerWheel& timer_wheel, Output& out, observe::Metrics& metrics,
         const crypto::Key& branch_key, std::uint16_t own_shard, std::uint32_t generation_mask)
      : timers(intervals),
        wheel(timer_wheel),
        output(out),
        key(branch_key),
        shard(own_shard),
        epoch(generation_mask),
        gauge(metrics.gauge("transactions.client")),
        refused(metrics.counter("transactions.client.refused")),
        repeats_received(metrics.counter("transactions.retransmissions.received")),
        repeats_sent(metrics.counter("transactions.retransmissions.sent")) {}

  const Timers& timers;
  net::TimerWheel& wheel;
  Output& output;
  crypto::Key key;
  std::uint16_t shard;
  std::uint32_t epoch;
  FlowChains chains;  ///< those that still wait for a final response
  SlotMap<Entry> entries;
  OctetPool octet_pool;
  sip::Message parsed_request;  ///< reused
  std::string text;             ///< reused
  std::size_t limit = Limits{}.client;
  observe::Gauge& gauge;
  observe::Counter& refused;
  observe::Counter& repeats_received;
  observe::Counter& repeats_sent;

  [[nodiscard]] SlotId take_slot();
  void start(SlotId id, sip::Method method, std::string_view octets, const SentVia& via, const net::Flow& to,
             TimePoint now);
  struct Found {
    SlotId id;
    Entry* entry = nullptr;
  };
  [[nodiscard]] Found match(const sip::Message& response);
  [[nodiscard]] bool parse_held(const Entry& entry);
  void hold_and_send_ack(Entry& entry, const sip::Message& response);
  void repeat(Entry& entry);
  void arm(Entry& entry);
  void erase(SlotId id, Entry& entry);
};

namespace {

const char* phase_of(std::monostate) {
  return "reserved";
}

const char* phase_of(const InviteClient& machine) {
  switch (machine.state()) {
    case InviteClient::State::calling: return "calling";
    case InviteClient::State::proceeding: return "proceeding";
    case InviteClient::State::completed: return "completed";
    case InviteClient::State::accepted: return "accepted";
    case InviteClient::State::terminated: break;
  }
  return "terminated";
}

const char* phase_of(const NonInviteClient& machine) {
  switch (machine.state()) {
    case NonInviteClient::State::trying: return "trying";
    case NonInviteClient::State::proceeding: return "proceeding";
    case NonInviteClient::State::completed: return "completed";
    case NonInviteClient::State::terminated: break;
  }
  return "terminated";
}

/// Runs an event on whichever machine the entry has; a reserved one wants nothing.
template <class Event>
Effects run(Machine& machine, Event&& event) {
  if (auto* invite = std::get_if<InviteClient>(&machine)) return event(*invite);
  if (auto* other = std::get_if<NonInviteClient>(&machine)) return event(*other);
  return {};
}

}  // namespace

// Life ----------------------------------------------------------------------------------------------------------------

ClientTransactions::ClientTransactions(const Timers& timers, net::TimerWheel& wheel, Output& output,
                                       observe::Metrics& metrics, const crypto::Key& key, std::uint16_t shard,
                                       std::uint32_t epoch)
    : tables_(std::make_unique<Tables>(timers, wheel, output, metrics, key, shard, epoch)) {}

ClientTransactions::~ClientTransactions() = default;

SlotId ClientTransactions::Tables::take_slot() {
  const SlotId id = entries.emplace();
  gauge.set(static_cast<std::int64_t>(entries.size()));
  return id;
}

SlotId ClientTransactions::reserve() {
  Tables& t = *tables_;
  if (t.entries.size() < t.limit) return t.take_slot();
  t.refused.add();
  return {};
}

void ClientTransactions::release(SlotId id) {
  Entry* entry = tables_->entries.find(id);
  if (entry != nullptr && !entry->started_yet()) tables_->erase(id, *entry);
}

void ClientTransactions::start(SlotId id, sip::Method method, std::string_view octets, const SentVia& via,
                               const net::Flow& to, SlotId owner, TimePoint now) {
  Entry* entry = tables_->entries.find(id);
  if (entry == nullptr || entry->started_yet()) return;
  if (method == sip::Method::ack) return release(id);
  entry->owner = owner;
  tables_->start(id, method, octets, via, to, now);
}

void ClientTransactions::Tables::start(SlotId id, sip::Method method, std::string_view octets, const SentVia& via,
                                       const net::Flow& to, TimePoint now) {
  Entry& entry = *entries.find(id);
  const bool reliable = sip::is_reliable(to.transport);
  if (method == sip::Method::invite) {
    entry.machine.emplace<InviteClient>(timers, reliable, now);
  } else {
    entry.machine.emplace<NonInviteClient>(timers, reliable, now);
  }
  entry.method = method;
  entry.target = to;
  entry.started = now;
  entry.messages = 1;
  entry.via = via;
  entry.timer.set_token(timer_token(TimerKind::client, id));
  // Over a stream only an INVITE is needed again: for its CANCEL and its ACK.
  if (method == sip::Method::invite || !reliable) octet_pool.hold(entry.held, octets);
  chains.link(entry, to);
  arm(entry);
  output.transmit(to, octets);
}

void ClientTransactions::cancel(SlotId invite, std::string_view reason, TimePoint now) {
  Tables& t = *tables_;
  Entry* entry = t.entries.find(invite);
  if (entry == nullptr || entry->cancel.valid()) return;
  const auto* machine = std::get_if<InviteClient>(&entry->machine);
  if (machine == nullptr || machine->state() != InviteClient::State::proceeding || !t.parse_held(*entry)) return;

  t.text.clear();
  sip::build_cancel(t.text, t.parsed_request, reason);
  entry->cancel = t.take_slot();
  t.entries.find(entry->cancel)->is_cancel = true;
  t.start(entry->cancel, sip::Method::cancel, t.text, SentVia::of_request(t.text), entry->target, now);
}

void ClientTransactions::abandon(SlotId invite, TimePoint now) {
  Entry* entry = tables_->entries.find(invite);
  auto* machine = entry != nullptr ? std::get_if<InviteClient>(&entry->machine) : nullptr;
  if (machine == nullptr) return;
  entry->owner = SlotId{};
  machine->abandon(now);
  tables_->arm(*entry);
}

void ClientTransactions::Tables::erase(SlotId id, Entry& entry) {
  if (Entry* cancel = entries.find(entry.cancel)) {
    octet_pool.release(cancel->held);
    entries.erase(entry.cancel);
  }
  octet_pool.release(entry.held);
  entries.erase(id);
  gauge.set(static_cast<std::int64_t>(entries.size()));
}

void ClientTransactions::Tables::arm(Entry& entry) {
  const auto deadline = std::holds_alternative<InviteClient>(entry.machine)
                            ? std::get<InviteClient>(entry.machine).next_deadline()
                            : std::get<NonInviteClient>(entry.machine).next_deadline();
  if (!deadline) {
    entry.timer.disarm();
  } else if (!entry.timer.armed() || entry.timer.deadline() != *deadline) {
    wheel.arm(entry.timer, *deadline);
  }
}

// Branches ------------------------------------------------------------------------------------------------------------

void ClientTransactions::append_branch(std::string& out, SlotId id, std::uint64_t loop) const {
  const Tables& t = *tables_;
  Branch{.shard = t.shard, .slot = {id.index, id.generation ^ t.epoch}, .loop = loop}.append_to(out, t.key);
}

std::optional<std::uint64_t> ClientTransactions::loop_value(std::string_view branch) const {
  const auto ours = Branch::parse(branch, tables_->key);
  return ours ? std::optional(ours->loop) : std::nullopt;
}

std::optional<std::uint16_t> ClientTransactions::shard_of(std::string_view branch) const {
  const auto ours = Branch::parse(branch, tables_->key);
  return ours ? std::optional(ours->shard) : std::nullopt;
}

// Responses -----------------------------------------------------------------------------------------------------------

/// RFC 3261 section 17.1.3, and 18.1.2 for the sent-by. The branch says where to look; that it is the one we sent is
/// then seen with all the rest.
auto ClientTransactions::Tables::match(const sip::Message& response) -> Found {
  const auto slot = Branch::claimed_slot(response.top_via().branch);
  if (!slot) return {};
  SlotId id{slot->index, slot->generation ^ epoch};
  entries.prefetch(id);
  const SentVia via = SentVia::of_unfolded(response);
  Entry* entry = entries.find(id);
  if (entry == nullptr) return {};
  if (entry->method == sip::Method::invite && response.cseq().method == sip::Method::cancel) {
    id = entry->cancel;
    entry = entries.find(id);
  }
  if (entry == nullptr || !entry->started_yet()) return {};
  const bool is_ours = entry->via == via || entry->via == SentVia::of_response(response);
  return is_ours ? Found{id, entry} : Found{};
}

auto ClientTransactions::on_response(const sip::Message& response, TimePoint now) -> Match {
  Tables& t = *tables_;
  const auto [id, entry] = t.match(response);
  if (entry == nullptr) return {};

  ++entry->messages;
  const sip::StatusCode status = response.status();
  const Effects effects = run(entry->machine, [&](auto& m) { return m.on_response(status, now); });
  if (status.final()) {
    if (!effects.pass_up) t.repeats_received.add();
    entry->unlink();
  }
  if (effects.make_ack) {
    t.hold_and_send_ack(*entry, response);
  } else if (effects.drop_request) {
    t.octet_pool.release(entry->held);
  }
  if (effects.send) t.repeat(*entry);
  if (!entry->failed) t.arm(*entry);
  const bool for_core = effects.pass_up && !entry->is_cancel;
  return {for_core ? Match::Kind::pass_up : Match::Kind::absorbed, id, entry->owner};
}

bool ClientTransactions::Tables::parse_held(const Entry& entry) {
  return parsed_request.parse(entry.held.view(), no_limits, /*stream=*/false).has_value();
}

void ClientTransactions::Tables::hold_and_send_ack(Entry& entry, const sip::Message& response) {
  if (!parse_held(entry)) return octet_pool.release(entry.held);
  text.clear();
  sip::build_ack(text, parsed_request, response);
  octet_pool.hold(entry.held, text);
  ++entry.messages;
  output.transmit(entry.target, text);
}

void ClientTransactions::Tables::repeat(Entry& entry) {
  if (entry.held.empty()) return;
  ++entry.messages;
  repeats_sent.add();
  output.transmit(entry.target, entry.held.view());
}

// Timers and failures -------------------------------------------------------------------------------------------------

void ClientTransactions::on_timer(std::uint64_t token, TimePoint now) {
  Tables& t = *tables_;
  const SlotId id = t.entries.id_at(static_cast<std::uint32_t>(token));
  if (!token_names(token, id)) return;
  Entry& entry = *t.entries.find(id);
  if (!entry.started_yet()) return;

  const bool failed = entry.failed;
  const Effects effects = run(entry.machine, [now](auto& m) { return m.on_deadline(now); });
  if (effects.send) t.repeat(entry);
  if (!effects.terminated && !failed) return t.arm(entry);
  const bool tell = (failed || effects.timed_out) && !entry.is_cancel;
  const SlotId owner = entry.owner;
  t.erase(id, entry);
  if (tell && on_failure) on_failure(id, owner, !failed);
}

void ClientTransactions::on_flow_failed(const net::Flow& flow, TimePoint now) {
  Tables& t = *tables_;
  t.chains.for_each_near(flow, [&](FlowLink& link) {
    Entry& entry = static_cast<Entry&>(link);
    if (!FlowChains::same_peer(entry.target, flow)) return;
    entry.unlink();
    entry.failed = run(entry.machine, [](auto& m) { return m.on_transport_error(); }).terminated;
    // The core hears of it from on_timer(): whoever reports the failure may be in the middle of sending.
    t.wheel.arm(entry.timer, now);
  });
}

// What the core asks --------------------------------------------------------------------------------------------------

std::size_t ClientTransactions::size() const {
  return tables_->entries.size();
}

void ClientTransactions::set_limit(std::size_t limit) {
  tables_->limit = limit;
}

void ClientTransactions::for_each(const std::function<void(const Row&)>& visit) {
  tables_->entries.for_each([&visit](SlotId id, Entry& entry) {
    if (!entry.started_yet()) return;
    visit({.id = id,
           .owner = entry.owner,
           .method = entry.method,
           .phase = std::visit([](const auto& m) { return phase_of(m); }, entry.machine),
           .target = &entry.target,
           .started = entry.started,
           .messages = entry.messages});
  });
}

}  // namespace bellhop::transaction
