#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <variant>

#include "transaction/keys.hpp"
#include "transaction/octets.hpp"
#include "transaction/tables.hpp"

namespace bellhop::transaction {

using Machine = std::variant<InviteServer, NonInviteServer>;

struct ServerTransactions::Entry {
  Entry(const Machine& fresh, const net::Flow& flow, const Hash128& matching, sip::Method kind, TimePoint now)
      : machine(fresh), reply_to(flow), key(matching), started(now), method(kind) {}

  Machine machine;
  net::Timer timer;
  net::Flow reply_to;
  Octets response;  ///< what a repeat is answered with
  Hash128 key;
  SlotId owner;
  TimePoint started;
  std::uint32_t to_tag = 0;  ///< of an RFC 2543 INVITE
  sip::Method method;
  bool by_branch : 1 = true;         ///< false: an RFC 2543 peer
  bool merge_tracked : 1 = false;    ///< there is a key of it among the merged
  bool trying_prepared : 1 = false;  ///< `response` is a 100 that waits for a repeat
  std::uint16_t messages = 1;        ///< up to most_counted

  void count_message() {
    if (messages < most_counted) ++messages;
  }
  static constexpr std::uint16_t most_counted = 0xffff;

  [[nodiscard]] InviteServer* invite() { return std::get_if<InviteServer>(&machine); }
  [[nodiscard]] bool accepted() { return invite() != nullptr && invite()->state() == InviteServer::State::accepted; }
};

struct ServerTransactions::Tables {
  static_assert(sizeof(Entry) <= 184, "thousands linger for half a minute each");

  Tables(const Timers& intervals, net::TimerWheel& timer_wheel, Output& out, observe::Metrics& metrics,
         std::uint64_t seed)
      : timers(intervals),
        wheel(timer_wheel),
        output(out),
        keys(seed),
        by_key(0, Row::Hash{}, Row::Equal{entries}),
        gauge(metrics.gauge("transactions.server")),
        dropped(metrics.counter("transactions.server.dropped")),
        repeats_received(metrics.counter("transactions.retransmissions.received")),
        repeats_sent(metrics.counter("transactions.retransmissions.sent")) {}

  /// Which slot a key is in. A row has a part of the key, which suffices for the index to grow without looking into the
  /// entries; the whole of it is in the entry.
  struct Row {
    std::uint32_t part, slot;

    Row(const Hash128& key, SlotId id) : part(part_of(key)), slot(id.index) {}
    [[nodiscard]] static std::uint32_t part_of(const Hash128& key) { return static_cast<std::uint32_t>(key.low); }
    struct Hash {
      using is_transparent = void;
      using is_avalanching = void;  // keys are uniform; both ends of the hash are looked at
      std::size_t operator()(const Row& row) const { return std::uint64_t{row.part} << 32 | row.part; }
      std::size_t operator()(const Hash128& key) const { return std::uint64_t{part_of(key)} << 32 | part_of(key); }
    };
    struct Equal {
      using is_transparent = void;
      const SlotMap<Entry>& entries;
      bool operator()(const Row& a, const Row& b) const { return a.part == b.part && a.slot == b.slot; }
      bool operator()(const Hash128& key, const Row& row) const {
        return row.part == part_of(key) && entries.find(entries.id_at(row.slot))->key == key;
      }
      bool operator()(const Row& row, const Hash128& key) const { return (*this)(key, row); }
    };
  };

  const Timers& timers;
  net::TimerWheel& wheel;
  Output& output;
  Keys keys;
  SlotMap<Entry> entries;
  OctetPool octet_pool;
  boost::unordered_flat_set<Row, Row::Hash, Row::Equal> by_key;
  boost::unordered_flat_set<Hash128, HashOfHash128> merged;      ///< what merged requests have in common
  boost::unordered_flat_map<std::uint64_t, Hash128> merge_keys;  ///< those by the packed id of their transaction
  sip::Message parsed_response;                                  ///< reused
  std::size_t limit = Limits{}.server;
  observe::Gauge& gauge;
  observe::Counter& dropped;
  observe::Counter& repeats_received;
  observe::Counter& repeats_sent;

  [[nodiscard]] SlotId id_of(const Hash128& key) const {
    const auto found = by_key.find(key);
    return found == by_key.end() ? SlotId{} : entries.id_at(found->slot);
  }
  [[nodiscard]] std::size_t limit_for(const sip::Message& request) const {
    const bool ends_something = request.method() == sip::Method::cancel || !request.to_tag().empty();
    return ends_something ? limit + limit / 4 : limit;
  }
  [[nodiscard]] SlotId match(const sip::Message& request, const Hash128& key);
  [[nodiscard]] bool acknowledges(const Entry& entry, const sip::Message& ack);
  [[nodiscard]] Arrival on_ack(Entry& entry, TimePoint now);
  void on_repeat(Entry& entry, TimePoint now);
  void repeat_response(Entry& entry);
  void arm(Entry& entry);
  void forget_merged(SlotId id);
  void erase(SlotId id, Entry& entry);
};

namespace {

const char* phase_of(const InviteServer& machine) {
  switch (machine.state()) {
    case InviteServer::State::proceeding: return "proceeding";
    case InviteServer::State::completed: return "completed";
    case InviteServer::State::confirmed: return "confirmed";
    case InviteServer::State::accepted: return "accepted";
    case InviteServer::State::terminated: break;
  }
  return "terminated";
}

const char* phase_of(const NonInviteServer& machine) {
  switch (machine.state()) {
    case NonInviteServer::State::trying: return "trying";
    case NonInviteServer::State::proceeding: return "proceeding";
    case NonInviteServer::State::completed: return "completed";
    case NonInviteServer::State::terminated: break;
  }
  return "terminated";
}

bool is_final(const Machine& machine) {
  if (const auto* invite = std::get_if<InviteServer>(&machine)) {
    return invite->state() != InviteServer::State::proceeding;
  }
  const auto state = std::get<NonInviteServer>(machine).state();
  return state != NonInviteServer::State::trying && state != NonInviteServer::State::proceeding;
}

std::optional<TimePoint> deadline_of(const Machine& machine) {
  return std::visit([](const auto& m) { return m.next_deadline(); }, machine);
}

Machine machine_for(const sip::Message& request, const Timers& timers, const net::Flow& flow) {
  const bool reliable = sip::is_reliable(flow.transport);
  if (request.method() == sip::Method::invite) return InviteServer{timers, reliable};
  return NonInviteServer{timers, reliable};
}

}  // namespace

// Matching ------------------------------------------------------------------------------------------------------------

Hash128 ServerTransactions::key_of(const sip::Message& request) const {
  return tables_->keys.of(request);
}

SlotId ServerTransactions::Tables::match(const sip::Message& request, const Hash128& key) {
  const SlotId id = id_of(key);
  const Entry* entry = entries.find(id);
  if (entry == nullptr) return {};
  if (entry->by_branch) return id;
  if (request.method() == sip::Method::ack) return acknowledges(*entry, request) ? id : SlotId{};
  return entry->to_tag == keys.of_tag(request.to_tag()) || entry->method != sip::Method::invite ? id : SlotId{};
}

/// RFC 3261 section 17.2.3: the ACK of a peer without branch cookie has the To tag of the response. Once that is gone
/// (Confirmed) this is a repeat of the ACK that took it away.
bool ServerTransactions::Tables::acknowledges(const Entry& entry, const sip::Message& ack) {
  if (entry.response.empty()) return true;
  const auto parsed = parsed_response.parse(entry.response.view(), sip::Limits{}, /*stream=*/false);
  return !parsed || parsed_response.to_tag() == ack.to_tag();
}

auto ServerTransactions::on_request(const sip::Message& request, const Hash128& key, TimePoint now) -> Arrival {
  Tables& t = *tables_;
  const bool is_ack = request.method() == sip::Method::ack;
  if (Entry* entry = t.entries.find(t.match(request, key))) {
    if (is_ack) return t.on_ack(*entry, now);
    t.on_repeat(*entry, now);
    return Arrival::absorbed;
  }
  if (is_ack || !request.to_tag().empty() || t.merged.empty()) return Arrival::fresh;
  return t.merged.contains(t.keys.of_merged(request)) ? Arrival::merged : Arrival::fresh;
}

auto ServerTransactions::Tables::on_ack(Entry& entry, TimePoint now) -> Arrival {
  InviteServer* invite = entry.invite();
  if (invite == nullptr) return Arrival::fresh;
  const bool repeated = invite->state() == InviteServer::State::confirmed;
  const Effects effects = invite->on_ack(now);
  if (effects.pass_up) return Arrival::fresh;
  entry.count_message();
  if (repeated) repeats_received.add();
  if (invite->state() == InviteServer::State::confirmed) octet_pool.release(entry.response);
  arm(entry);
  return Arrival::absorbed;
}

void ServerTransactions::Tables::on_repeat(Entry& entry, TimePoint now) {
  entry.count_message();
  repeats_received.add();
  if (InviteServer* invite = entry.invite()) {
    if (invite->on_invite_again().send) repeat_response(entry);
    return;
  }
  auto& machine = std::get<NonInviteServer>(entry.machine);
  if (entry.trying_prepared) {
    entry.trying_prepared = false;
    if (!machine.answer({100}, now)) return;
    entry.count_message();
    output.transmit(entry.reply_to, entry.response.view());
  } else if (machine.on_request_again().send) {
    repeat_response(entry);
  }
}

void ServerTransactions::Tables::repeat_response(Entry& entry) {
  if (entry.response.empty()) return;
  entry.count_message();
  repeats_sent.add();
  output.transmit(entry.reply_to, entry.response.view());
}

SlotId ServerTransactions::find_cancelled(const sip::Message& cancel) const {
  Tables& t = *tables_;
  const SlotId id = t.id_of(t.keys.of_cancelled(cancel));
  const Entry* entry = t.entries.find(id);
  if (entry == nullptr || entry->method != sip::Method::invite) return {};
  return entry->by_branch || entry->to_tag == t.keys.of_tag(cancel.to_tag()) ? id : SlotId{};
}

// Life ----------------------------------------------------------------------------------------------------------------

ServerTransactions::ServerTransactions(const Timers& timers, net::TimerWheel& wheel, Output& output,
                                       observe::Metrics& metrics, std::uint64_t hash_seed)
    : tables_(std::make_unique<Tables>(timers, wheel, output, metrics, hash_seed)) {}

ServerTransactions::~ServerTransactions() = default;

SlotId ServerTransactions::create(const sip::Message& request, const Hash128& key, const net::Flow& reply_to,
                                  bool track_merge, TimePoint now) {
  Tables& t = *tables_;
  if (!request.is_request() || request.method() == sip::Method::ack) return {};
  if (t.entries.size() >= t.limit_for(request)) {
    t.dropped.add();
    return {};
  }
  if (t.by_key.contains(key)) return {};

  const SlotId id = t.entries.emplace(machine_for(request, t.timers, reply_to), reply_to, key, request.method(), now);
  Entry& entry = *t.entries.find(id);
  entry.timer.set_token(timer_token(TimerKind::server, id));
  entry.by_branch = Keys::has_identifying_branch(request);
  if (!entry.by_branch) entry.to_tag = t.keys.of_tag(request.to_tag());
  t.by_key.emplace(key, id);
  if (track_merge && request.to_tag().empty()) {
    const Hash128 merge_key = t.keys.of_merged(request);
    entry.merge_tracked = t.merged.insert(merge_key).second;
    if (entry.merge_tracked) t.merge_keys.emplace(id.packed(), merge_key);
  }
  t.gauge.set(static_cast<std::int64_t>(t.entries.size()));
  return id;
}

bool ServerTransactions::answer(SlotId id, sip::StatusCode status, std::string_view octets, TimePoint now) {
  Tables& t = *tables_;
  Entry* entry = t.entries.find(id);
  if (entry == nullptr) return false;
  if (!std::visit([&](auto& m) { return m.answer(status, now).has_value(); }, entry->machine)) return false;

  entry->count_message();
  entry->trying_prepared = false;
  const auto deadline = deadline_of(entry->machine);
  const bool over = entry->accepted() || (deadline && *deadline <= now);
  if (over) {
    t.octet_pool.release(entry->response);
  } else {
    t.octet_pool.hold(entry->response, octets);
  }
  t.arm(*entry);
  t.output.transmit(entry->reply_to, octets);
  return true;
}

void ServerTransactions::keep_trying(SlotId id, std::string_view octets) {
  Entry* entry = tables_->entries.find(id);
  if (entry == nullptr) return;
  const auto* machine = std::get_if<NonInviteServer>(&entry->machine);
  if (machine == nullptr || machine->state() != NonInviteServer::State::trying) return;
  tables_->octet_pool.hold(entry->response, octets);
  entry->trying_prepared = true;
}

void ServerTransactions::on_timer(std::uint64_t token, TimePoint now) {
  Tables& t = *tables_;
  const SlotId id = t.entries.id_at(static_cast<std::uint32_t>(token));
  if (!token_names(token, id)) return;
  Entry& entry = *t.entries.find(id);
  const Effects effects = std::visit([now](auto& m) { return m.on_deadline(now); }, entry.machine);
  if (effects.send) t.repeat_response(entry);
  if (!effects.terminated) return t.arm(entry);
  const SlotId owner = entry.owner;
  t.erase(id, entry);
  if (on_end) on_end(id, owner, effects.ack_missing);
}

void ServerTransactions::forget(SlotId id) {
  if (Entry* entry = tables_->entries.find(id)) tables_->erase(id, *entry);
}

void ServerTransactions::Tables::arm(Entry& entry) {
  const auto deadline = deadline_of(entry.machine);
  if (!deadline) {
    entry.timer.disarm();
  } else if (!entry.timer.armed() || entry.timer.deadline() != *deadline) {
    wheel.arm(entry.timer, *deadline);
  }
}

void ServerTransactions::Tables::forget_merged(SlotId id) {
  const auto found = merge_keys.find(id.packed());
  merged.erase(found->second);
  merge_keys.erase(found);
}

void ServerTransactions::Tables::erase(SlotId id, Entry& entry) {
  octet_pool.release(entry.response);
  by_key.erase(Row(entry.key, id));
  if (entry.merge_tracked) forget_merged(id);
  entries.erase(id);
  gauge.set(static_cast<std::int64_t>(entries.size()));
}

// What the core asks --------------------------------------------------------------------------------------------------

const net::Flow* ServerTransactions::reply_flow(SlotId id) const {
  const Entry* entry = tables_->entries.find(id);
  return entry == nullptr ? nullptr : &entry->reply_to;
}

void ServerTransactions::prefetch(SlotId id) const {
  tables_->entries.prefetch(id);
}

bool ServerTransactions::answered_finally(SlotId id) const {
  const Entry* entry = tables_->entries.find(id);
  return entry != nullptr && is_final(entry->machine);
}

void ServerTransactions::set_owner(SlotId id, SlotId owner) {
  if (Entry* entry = tables_->entries.find(id)) entry->owner = owner;
}

SlotId ServerTransactions::owner(SlotId id) const {
  const Entry* entry = tables_->entries.find(id);
  return entry == nullptr ? SlotId{} : entry->owner;
}

std::size_t ServerTransactions::size() const {
  return tables_->entries.size();
}

std::size_t ServerTransactions::limit() const {
  return tables_->limit;
}

void ServerTransactions::set_limit(std::size_t limit) {
  tables_->limit = limit;
}

void ServerTransactions::for_each(const std::function<void(const Row&)>& visit) {
  tables_->entries.for_each([&visit](SlotId id, Entry& entry) {
    visit({.id = id,
           .owner = entry.owner,
           .method = entry.method,
           .phase = std::visit([](const auto& m) { return phase_of(m); }, entry.machine),
           .source = &entry.reply_to,
           .started = entry.started,
           .messages = entry.messages});
  });
}

}  // namespace bellhop::transaction
