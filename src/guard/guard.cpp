#include "guard/guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <shared_mutex>

#include "base/text.hpp"
#include "guard/window.hpp"

namespace bellhop::guard {

namespace {

constexpr std::size_t stripe_count = 64;
constexpr std::size_t sources_per_stripe = 1024;
constexpr std::size_t bans_per_stripe = 1024;
constexpr std::size_t most_orders = 10'000;
constexpr std::size_t evidence_octets = 120;
constexpr std::uint64_t mixed_names = ~std::uint64_t{0};

constexpr std::array<std::string_view, static_cast<std::size_t>(Evidence::count_)> evidence_names{
    "requests", "malformed", "credentials", "scanner", "order"};

/// The first octets of an address, the others zero.
Endpoint prefix_key(const IpAddress& address, std::size_t octets_kept) {
  std::array<std::uint8_t, 16> octets = address.octets();
  if (address.is_v6()) {
    std::fill(octets.begin() + static_cast<std::ptrdiff_t>(octets_kept), octets.end(), std::uint8_t{0});
    return {IpAddress::v6(octets), 0};
  }
  std::array<std::uint8_t, 4> v4{};
  std::copy_n(octets.begin(), octets_kept, v4.begin());
  return {IpAddress::v4(v4), 0};
}

/// What is counted as one source: the address, or the /64 of an IPv6 address.
Endpoint source_key(const IpAddress& source) {
  return source.is_v6() ? prefix_key(source, 8) : Endpoint{source, 0};
}

/// The neighbourhood of a source: its /24, or its /48.
Endpoint network_key(const IpAddress& source) {
  return prefix_key(source, source.is_v6() ? 6 : 3);
}

/// What people recognise a message by.
std::string_view first_line(std::string_view octets) {
  return octets.substr(0, std::min(octets.find_first_of("\r\n"), evidence_octets));
}

const Network* network_with(const std::vector<Network>& networks, const IpAddress& address) {
  if (networks.empty()) return nullptr;
  const auto found =
      std::find_if(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(address); });
  return found == networks.end() ? nullptr : &*found;
}

struct Source {
  std::array<Window, 3> scores;  ///< requests, malformed, credentials
  Budget known_budget;
  std::uint64_t failed_name = 0;  ///< as whom credentials failed within the window; mixed_names: as several
  TimePoint last{};
  TimePoint known_until{};

  void note_failure(std::uint64_t as, const Rate& rate, TimePoint now) {
    const bool first = score(Evidence::credentials)->within(rate.window, now) == 0;
    failed_name = first || failed_name == as ? as : mixed_names;
  }
  [[nodiscard]] Window* score(Evidence evidence) {
    const auto index = static_cast<std::size_t>(evidence);
    return index < scores.size() ? &scores[index] : nullptr;
  }
};

struct Stripe {
  std::mutex mutex;
  boost::unordered_flat_map<Endpoint, Source, EndpointHash> sources;
  boost::unordered_flat_map<Endpoint, Ban, EndpointHash> bans;

  Source& source(const Endpoint& key, const Rules& rules, TimePoint now) {
    if (sources.size() >= sources_per_stripe && !sources.contains(key)) make_room(rules, now);
    return sources[key];
  }
  /// Idle sources go first, then all that are not known: a storm of forged addresses costs nobody his good name.
  void make_room(const Rules& rules, TimePoint now) {
    const Duration memory = std::max({rules.requests.window, rules.malformed.window, rules.credentials.window});
    const auto known = [&](const auto& entry) { return entry.second.known_until > now; };
    boost::unordered::erase_if(sources,
                               [&](const auto& entry) { return !known(entry) && entry.second.last + memory <= now; });
    if (sources.size() < sources_per_stripe) return;
    boost::unordered::erase_if(sources, [&](const auto& entry) { return !known(entry); });
    if (2 * sources.size() < sources_per_stripe) return;
    // So many are known that strangers would find no room: those whose time ends first become strangers again.
    std::vector<TimePoint> ends;
    for (const auto& entry : sources) ends.push_back(entry.second.known_until);
    std::nth_element(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(ends.size() / 2), ends.end());
    const TimePoint middle = ends[ends.size() / 2];
    boost::unordered::erase_if(sources, [&](const auto& entry) { return entry.second.known_until <= middle; });
  }
  /// A shadow ends with the rule that casts it: put in force, it judges anew.
  Ban* ban_of(const Endpoint& key, const Rules& rules, TimePoint now) {
    if (bans.empty()) return nullptr;
    const auto found = bans.find(key);
    if (found == bans.end()) return nullptr;
    if (found->second.until > now && (rules.shadow || !found->second.shadow)) return &found->second;
    bans.erase(found);
    return nullptr;
  }
  void add(const Endpoint& key, Ban ban, TimePoint now) {
    if (bans.size() >= bans_per_stripe)
      boost::unordered::erase_if(bans, [&](const auto& entry) { return entry.second.until <= now; });
    if (bans.size() >= bans_per_stripe) {
      const auto sooner = [](const auto& a, const auto& b) { return a.second.until < b.second.until; };
      bans.erase(std::min_element(bans.begin(), bans.end(), sooner));
    }
    bans.insert_or_assign(key, std::move(ban));
  }
};

/// The budgets of whole networks: only strangers are counted in them.
struct Neighbourhoods {
  std::mutex mutex;
  boost::unordered_flat_map<Endpoint, Budget, EndpointHash> budgets;
};

}  // namespace

std::string_view name_of(Evidence evidence) {
  return evidence_names[static_cast<std::size_t>(evidence)];
}

std::optional<Evidence> evidence_from(std::string_view name) {
  for (std::size_t i = 0; i < evidence_names.size(); ++i)
    if (evidence_names[i] == name) return static_cast<Evidence>(i);
  return std::nullopt;
}

struct Guard::State {
  State(observe::Log& sink, std::uint64_t hash_seed) : log(sink), seed(hash_seed) {
    // Peers fill the maps; and a seed that is not the stripes' tells apart what has come to one stripe.
    const auto seed_map = [hash = EndpointHash{~seed}](auto& map) { map = std::decay_t<decltype(map)>(0, hash); };
    for (Stripe& stripe : stripes) seed_map(stripe.sources), seed_map(stripe.bans);
    for (Neighbourhoods& part : neighbourhoods) seed_map(part.budgets);
  }

  Stripe& stripe_of(const Endpoint& key) { return stripes[hash_of(key, seed) % stripe_count]; }

  /// What the operator said of this address: he has the last word over the configuration.
  [[nodiscard]] std::optional<Order> order_for(const IpAddress& address, TimePoint now) const {
    if (order_count.load(std::memory_order_relaxed) == 0) return std::nullopt;
    const std::shared_lock lock(orders_mutex);
    std::optional<Order> found;
    for (const Order& order : orders)
      if (order.until > now && order.network.contains(address) && (!found || order.exempt)) found = order;
    return found;
  }
  /// Nothing: it has to be judged.
  [[nodiscard]] std::optional<Verdict> by_lists(const IpAddress& source, const Rules& rules, TimePoint now) {
    const auto order = order_for(source, now);
    if (order ? !order->exempt : network_with(rules.denied, source) != nullptr) {
      denied.fetch_add(1, std::memory_order_relaxed);
      return Verdict::denied;
    }
    if (order || network_with(rules.exempt, source) != nullptr) return Verdict::pass;
    return std::nullopt;
  }
  void start_ban(Stripe& stripe, const Endpoint& key, Ban ban, TimePoint now) {
    bans_started[static_cast<std::size_t>(ban.rule)].fetch_add(1, std::memory_order_relaxed);
    changed.fetch_add(1, std::memory_order_relaxed);
    log(observe::Tag::guard, observe::Level::problems, "{} source={} rule={} seconds={} evidence={}",
        ban.shadow ? "would ban" : "banned", ban.source.to_string(), name_of(ban.rule), (ban.until - now) / seconds(1),
        quoted_for_log(ban.text, 2 * evidence_octets));
    stripe.add(key, std::move(ban), now);
  }
  /// Drops for a ban that stands; a shadow drops nothing.
  bool serves(Ban* ban) {
    if (ban == nullptr) return false;
    ++ban->dropped;
    if (ban->shadow) return false;
    banned.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  bool neighbours_are_too_many(const IpAddress& source, const Rules& rules, TimePoint now) {
    if (rules.network_requests == 0) return false;
    const Endpoint key = network_key(source);
    Neighbourhoods& part = neighbourhoods[hash_of(key, seed) % stripe_count];
    const std::lock_guard lock(part.mutex);
    if (part.budgets.size() >= sources_per_stripe && !part.budgets.contains(key)) part.budgets.clear();
    return part.budgets[key].is_spent(rules.network_requests, rules.requests.window, now);
  }

  observe::Log& log;
  const std::uint64_t seed;
  std::array<Stripe, stripe_count> stripes;
  std::array<Neighbourhoods, stripe_count> neighbourhoods;
  mutable std::shared_mutex orders_mutex;
  std::vector<Order> orders;
  std::atomic<std::size_t> order_count{0};
  std::atomic<std::uint64_t> changed{0};
  std::atomic<std::int64_t> denied{0}, banned{0}, throttled_known{0}, throttled_network{0};
  std::array<std::atomic<std::int64_t>, static_cast<std::size_t>(Evidence::count_)> bans_started{};
};

Guard::Guard(observe::Log& log, observe::Metrics& metrics, std::uint64_t hash_seed)
    : state_(std::make_unique<State>(log, hash_seed)) {
  State* state = state_.get();
  const auto add = [&](const std::string& name, std::atomic<std::int64_t>& value) {
    metrics.computed(name, [&value] { return value.load(std::memory_order_relaxed); });
  };
  add("guard.dropped.denied", state->denied);
  add("guard.dropped.banned", state->banned);
  add("guard.dropped.known", state->throttled_known);
  add("guard.dropped.network", state->throttled_network);
  for (std::size_t i = 0; i < evidence_names.size(); ++i)
    add(fmt::format("guard.bans.{}", evidence_names[i]), state->bans_started[i]);
}

Guard::~Guard() = default;

Verdict Guard::look(const IpAddress& source, const Rules& rules, TimePoint now) const {
  if (const auto listed = state_->by_lists(source, rules, now)) return *listed;
  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  return state_->serves(stripe.ban_of(key, rules, now)) ? Verdict::banned : Verdict::pass;
}

bool Guard::judges(const IpAddress& source, const Rules& rules, TimePoint now) const {
  return !state_->by_lists(source, rules, now).has_value();
}

Verdict Guard::judge(const IpAddress& source, std::string_view octets, const Rules& rules, TimePoint now) {
  if (const auto listed = state_->by_lists(source, rules, now)) return *listed;
  const Endpoint key = source_key(source);
  {
    Stripe& stripe = state_->stripe_of(key);
    const std::lock_guard lock(stripe.mutex);
    Ban* const ban = stripe.ban_of(key, rules, now);
    if (state_->serves(ban)) return Verdict::banned;
    if (!rules.flood) return Verdict::pass;
    Source& seen = stripe.source(key, rules, now);
    seen.last = now;
    if (seen.known_until > now || network_with(rules.trusted, source) != nullptr) {
      if (!seen.known_budget.is_spent(rules.known_requests, rules.requests.window, now)) return Verdict::pass;
      state_->throttled_known.fetch_add(1, std::memory_order_relaxed);
      return rules.shadow ? Verdict::pass : Verdict::throttled;
    }
    if (seen.score(Evidence::requests)->is_too_many(rules.requests, now)) {
      if (ban != nullptr) return Verdict::pass;  // a shadow's
      seen.score(Evidence::requests)->clear();
      state_->start_ban(stripe, key,
                        {key.address, now, now + rules.requests.ban, Evidence::requests, rules.shadow,
                         fmt::format("{} requests in {} ms, the last: {}", rules.requests.limit + 1,
                                     rules.requests.window / milliseconds(1), first_line(octets)),
                         rules.shadow ? 0u : 1u},
                        now);
      return rules.shadow ? Verdict::pass : Verdict::flooded;
    }
  }
  if (!state_->neighbours_are_too_many(source, rules, now)) return Verdict::pass;
  state_->throttled_network.fetch_add(1, std::memory_order_relaxed);
  return rules.shadow ? Verdict::pass : Verdict::throttled;
}

bool Guard::count(Evidence evidence, const IpAddress& source, std::string_view octets, bool forgeable,
                  const Rules& rules, TimePoint now, std::uint64_t as) {
  if (state_->by_lists(source, rules, now)) return false;
  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  if (stripe.ban_of(key, rules, now) != nullptr) return false;
  Source& seen = stripe.source(key, rules, now);
  seen.last = now;
  // A peer carries what others say: it answers for their users, but is not to blame for a User-Agent.
  if (network_with(rules.trusted, source) != nullptr || (forgeable && seen.known_until > now)) return false;
  std::string text;
  Duration lasts = rules.scanner_ban;
  if (Window* score = seen.score(evidence); score != nullptr) {
    const Rate& rate = evidence == Evidence::malformed ? rules.malformed : rules.credentials;
    if (evidence == Evidence::credentials) seen.note_failure(as, rate, now);
    if (!score->is_too_many(rate, now)) return false;
    score->clear();
    lasts = rate.ban;
    text = fmt::format("{} in {} s, the last: ", rate.limit + 1, rate.window / seconds(1));
  }
  text += first_line(octets);
  state_->start_ban(stripe, key, {key.address, now, now + lasts, evidence, rules.shadow, std::move(text), 0}, now);
  return !rules.shadow;
}

void Guard::authenticated(const IpAddress& source, const Rules& rules, TimePoint now, std::uint64_t as) {
  if (network_with(rules.exempt, source) != nullptr) return;
  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  Source& seen = stripe.source(key, rules, now);
  for (const Evidence evidence : {Evidence::requests, Evidence::malformed}) seen.score(evidence)->clear();
  if (seen.failed_name == as) seen.score(Evidence::credentials)->clear();
  seen.last = now;
  seen.known_until = now + rules.known_for;
}

std::vector<Ban> Guard::bans(TimePoint now) const {
  std::vector<Ban> all;
  for (Stripe& stripe : state_->stripes) {
    const std::lock_guard lock(stripe.mutex);
    for (const auto& [key, ban] : stripe.bans)
      if (ban.until > now) all.push_back(ban);
  }
  std::sort(all.begin(), all.end(), [](const Ban& a, const Ban& b) { return a.since > b.since; });
  return all;
}

std::vector<Order> Guard::orders(TimePoint now) const {
  const std::shared_lock lock(state_->orders_mutex);
  std::vector<Order> standing;
  std::copy_if(state_->orders.begin(), state_->orders.end(), std::back_inserter(standing),
               [&](const Order& order) { return order.until > now; });
  return standing;
}

bool Guard::unban(const IpAddress& source) {
  const Endpoint key = source_key(source);
  bool ended = false;
  {
    Stripe& stripe = state_->stripe_of(key);
    const std::lock_guard lock(stripe.mutex);
    ended = stripe.bans.erase(key) != 0;
    stripe.sources.erase(key);
  }
  if (const auto alone = Network::parse(source.to_string()); alone && take_back(*alone, /*exempt=*/false)) ended = true;
  if (ended) state_->changed.fetch_add(1, std::memory_order_relaxed);
  return ended;
}

bool Guard::give(Order order, TimePoint now) {
  const std::unique_lock lock(state_->orders_mutex);
  auto& orders = state_->orders;
  std::erase_if(orders, [&](const Order& o) { return o.until <= now; });
  const auto same = std::find_if(orders.begin(), orders.end(), [&](const Order& o) {
    return o.network == order.network && o.exempt == order.exempt;
  });
  if (same == orders.end() && orders.size() >= most_orders) return false;
  if (!order.exempt)
    state_->bans_started[static_cast<std::size_t>(Evidence::order)].fetch_add(1, std::memory_order_relaxed);
  if (same != orders.end())
    *same = std::move(order);
  else
    orders.push_back(std::move(order));
  state_->order_count.store(orders.size(), std::memory_order_relaxed);
  state_->changed.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Guard::take_back(const Network& network, bool exempt) {
  const std::unique_lock lock(state_->orders_mutex);
  const std::size_t before = state_->orders.size();
  std::erase_if(state_->orders, [&](const Order& o) { return o.network == network && o.exempt == exempt; });
  state_->order_count.store(state_->orders.size(), std::memory_order_relaxed);
  if (state_->orders.size() == before) return false;
  state_->changed.fetch_add(1, std::memory_order_relaxed);
  return true;
}

Guard::Standing Guard::standing(const IpAddress& source, const Rules& rules, TimePoint now) const {
  Standing out;
  const auto note = [&](const std::vector<Network>& networks, std::optional<Network>& into) {
    if (const Network* network = network_with(networks, source)) into = *network;
  };
  note(rules.denied, out.denied);
  note(rules.exempt, out.exempt);
  note(rules.trusted, out.trusted);
  out.order = state_->order_for(source, now);
  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  if (const Ban* ban = stripe.ban_of(key, rules, now)) out.ban = *ban;
  const auto found = stripe.sources.find(key);
  if (found == stripe.sources.end()) return out;
  out.known_until = found->second.known_until;
  const std::array<Duration, 3> windows{rules.requests.window, rules.malformed.window, rules.credentials.window};
  for (std::size_t i = 0; i < windows.size(); ++i) out.counts[i] = found->second.scores[i].within(windows[i], now);
  return out;
}

std::vector<Guard::WouldBan> Guard::would_ban(Evidence evidence, const Rate& rate, TimePoint now) const {
  std::vector<WouldBan> all;
  for (Stripe& stripe : state_->stripes) {
    const std::lock_guard lock(stripe.mutex);
    for (auto& [key, source] : stripe.sources) {
      const Window* score = source.score(evidence);
      const std::uint32_t most = score != nullptr ? score->most_within(rate.window) : 0;
      if (most > rate.limit) all.push_back({key.address, most, source.known_until > now});
    }
  }
  std::sort(all.begin(), all.end(), [](const WouldBan& a, const WouldBan& b) { return a.most > b.most; });
  return all;
}

std::uint64_t Guard::changes() const {
  return state_->changed.load(std::memory_order_relaxed);
}

void Guard::restore(std::vector<Ban> bans, std::vector<Order> orders, TimePoint now) {
  for (Ban& ban : bans) {
    if (ban.until <= now) continue;
    const Endpoint key = source_key(ban.source);
    Stripe& stripe = state_->stripe_of(key);
    const std::lock_guard lock(stripe.mutex);
    stripe.add(key, std::move(ban), now);
  }
  const std::unique_lock lock(state_->orders_mutex);
  std::erase_if(orders, [&](const Order& order) { return order.until <= now; });
  state_->orders = std::move(orders);
  state_->order_count.store(state_->orders.size(), std::memory_order_relaxed);
}

}  // namespace bellhop::guard
