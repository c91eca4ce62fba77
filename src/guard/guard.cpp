#include "guard/guard.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>

namespace bellhop::guard {

namespace {

constexpr std::size_t stripe_count = 64;
constexpr std::size_t sources_per_stripe = 4096;

/// What is counted as one source: the address, or the /64 of an IPv6 address.
Endpoint source_key(const IpAddress& source) {
  if (!source.is_v6()) return {source, 0};
  std::array<std::uint8_t, 16> octets = source.octets();
  std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
  return {IpAddress::v6(octets), 0};
}

bool any_contains(const std::vector<Network>& networks, const IpAddress& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(address); });
}

struct Source {
  std::vector<TimePoint> times;  ///< ring of the latest requests
  std::size_t next = 0;
  TimePoint last{};
  TimePoint banned_since{};
  TimePoint banned_until{};
};

struct Stripe {
  std::mutex mutex;
  boost::unordered_flat_map<Endpoint, Source, EndpointHash> sources;

  /// Makes room by forgetting sources that are idle and not banned.
  void evict(Duration window, TimePoint now) {
    boost::unordered::erase_if(
        sources, [&](const auto& entry) { return entry.second.banned_until <= now && entry.second.last + window <= now; });
    if (sources.size() >= sources_per_stripe) sources.clear();  // a spoofed storm: start counting anew
  }
};

}  // namespace

struct Guard::State {
  explicit State(std::uint64_t hash_seed) : seed(hash_seed) {}
  Stripe& stripe_of(const Endpoint& key) { return stripes[hash_of(key, seed) % stripe_count]; }

  const std::uint64_t seed;
  std::array<Stripe, stripe_count> stripes;
  std::atomic<std::int64_t> denied{0}, banned{0}, bans{0};
};

Guard::Guard(observe::Metrics& metrics, std::uint64_t hash_seed) : state_(std::make_unique<State>(hash_seed)) {
  State* state = state_.get();
  metrics.computed("guard.dropped.denied", [state] { return state->denied.load(std::memory_order_relaxed); });
  metrics.computed("guard.dropped.banned", [state] { return state->banned.load(std::memory_order_relaxed); });
  metrics.computed("guard.bans", [state] { return state->bans.load(std::memory_order_relaxed); });
}

Guard::~Guard() = default;

Verdict Guard::look(const IpAddress& source, const Rules& rules, TimePoint now) const {
  if (any_contains(rules.denied, source)) {
    state_->denied.fetch_add(1, std::memory_order_relaxed);
    return Verdict::denied;
  }
  if (!rules.flood || any_contains(rules.exempt, source)) return Verdict::pass;
  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.sources.find(key);
  return found != stripe.sources.end() && found->second.banned_until > now ? Verdict::banned : Verdict::pass;
}

Verdict Guard::judge(const IpAddress& source, const Rules& rules, TimePoint now) {
  if (any_contains(rules.denied, source)) {
    state_->denied.fetch_add(1, std::memory_order_relaxed);
    return Verdict::denied;
  }
  if (!rules.flood || any_contains(rules.exempt, source)) return Verdict::pass;

  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  if (stripe.sources.size() >= sources_per_stripe && !stripe.sources.contains(key)) stripe.evict(rules.flood_window, now);
  Source& seen = stripe.sources[key];
  seen.last = now;
  if (seen.banned_until > now) {
    state_->banned.fetch_add(1, std::memory_order_relaxed);
    return Verdict::banned;
  }
  if (seen.times.size() < rules.flood_requests) {
    seen.times.push_back(now);
    return Verdict::pass;
  }
  const TimePoint oldest = seen.times[seen.next];
  seen.times[seen.next] = now;
  seen.next = (seen.next + 1) % seen.times.size();
  if (now - oldest >= rules.flood_window) return Verdict::pass;
  seen.banned_since = now;
  seen.banned_until = now + rules.flood_ban;
  seen.times.clear();
  seen.next = 0;
  state_->bans.fetch_add(1, std::memory_order_relaxed);
  return Verdict::flooded;
}

void Guard::clear(const IpAddress& source) {
  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.sources.find(key);
  if (found == stripe.sources.end() || found->second.banned_until > found->second.last) return;
  found->second.times.clear();
  found->second.next = 0;
}

std::vector<Guard::Ban> Guard::bans(TimePoint now) const {
  std::vector<Ban> all;
  for (Stripe& stripe : state_->stripes) {
    const std::lock_guard lock(stripe.mutex);
    for (const auto& [key, seen] : stripe.sources)
      if (seen.banned_until > now) all.push_back({key.address, seen.banned_since, seen.banned_until, "request flood"});
  }
  return all;
}

bool Guard::unban(const IpAddress& source) {
  const Endpoint key = source_key(source);
  Stripe& stripe = state_->stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  return stripe.sources.erase(key) != 0;
}

}  // namespace bellhop::guard
