#include "auth/nonce_table.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <mutex>
#include <vector>

namespace bellhop::auth {
namespace {

/// The counts seen of one nonce: bit i of `seen` stands for `highest - i`.
struct Window {
  std::uint32_t highest = 0;
  std::uint64_t seen = 0;
  std::uint64_t request = 0;  ///< which used `highest`

  NonceTable::Use take(std::uint32_t count, std::uint64_t by) {
    using Use = NonceTable::Use;
    constexpr std::uint32_t width = 64;
    if (count > highest) {
      const std::uint32_t step = count - highest;
      seen = step < width ? (seen << step) | 1 : 1;
      highest = count;
      request = by;
      return Use::first_time;
    }
    const std::uint32_t behind = highest - count;
    if (behind == 0 && by != 0 && by == request) return Use::same_request;
    if (behind >= width || ((seen >> behind) & 1) != 0) return Use::repeated;
    seen |= std::uint64_t{1} << behind;
    return Use::first_time;
  }
};

struct Entry {
  std::uint64_t key;
  TimePoint issued;
};

struct alignas(64) Stripe {
  mutable std::mutex mutex;
  boost::unordered_flat_map<std::uint64_t, Window> windows;
  std::deque<Entry> order;             ///< as they came
  TimePoint floor = TimePoint::min();  ///< of what was issued up to here some has been dropped

  void drop_oldest() {
    floor = std::max(floor, order.front().issued);
    windows.erase(order.front().key);
    order.pop_front();
  }
};

constexpr std::size_t most_stripes = 64;
constexpr std::size_t worth_a_stripe = 256;

}  // namespace

struct NonceTable::State {
  explicit State(std::size_t capacity)
      : stripes(std::clamp<std::size_t>(capacity / worth_a_stripe, 1, most_stripes)),
        per_stripe(std::max<std::size_t>(capacity / stripes.size(), 1)) {}

  std::vector<Stripe> stripes;
  std::size_t per_stripe;
};

NonceTable::NonceTable(std::size_t capacity) : state_(std::make_unique<State>(capacity)) {}
NonceTable::~NonceTable() = default;

NonceTable::Use NonceTable::use(std::uint64_t key, TimePoint issued, std::uint32_t count, TimePoint now,
                                Duration lifetime, std::uint64_t request) {
  constexpr std::uint64_t spread = 0x9e3779b97f4a7c15ULL;  // the low bits of a nonce id are a counter
  Stripe& stripe = state_->stripes[(key * spread >> 32) % state_->stripes.size()];
  const std::lock_guard lock(stripe.mutex);
  if (const auto found = stripe.windows.find(key); found != stripe.windows.end())
    return found->second.take(count, request);
  if (issued <= stripe.floor) return Use::forgotten;
  while (!stripe.order.empty() &&
         (stripe.order.size() >= state_->per_stripe || now - stripe.order.front().issued > lifetime))
    stripe.drop_oldest();
  if (issued <= stripe.floor) return Use::forgotten;
  stripe.windows[key].take(count, request);
  stripe.order.push_back({key, issued});
  return Use::first_time;
}

std::size_t NonceTable::size() const {
  std::size_t total = 0;
  for (const Stripe& stripe : state_->stripes) {
    const std::lock_guard lock(stripe.mutex);
    total += stripe.order.size();
  }
  return total;
}

}  // namespace bellhop::auth
