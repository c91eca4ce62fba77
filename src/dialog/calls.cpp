#include "dialog/calls.hpp"

#include <algorithm>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "base/hash.hpp"

namespace bellhop::dialog {

namespace {

constexpr Duration longest_call = hours(24);
constexpr Duration per_hour = hours(1);
constexpr Duration sweep_interval = minutes(10);

/// What one account has used up of one limit.
struct Meter {
  std::uint32_t open = 0;
  std::deque<TimePoint> begun;  ///< within the last hour

  void forget_old(TimePoint now) {
    while (!begun.empty() && begun.front() + per_hour <= now) begun.pop_front();
  }
  [[nodiscard]] bool used_up(const Limit& limit) const {
    return (limit.calls != 0 && open >= limit.calls) ||
           (limit.calls_per_hour != 0 && begun.size() >= limit.calls_per_hour);
  }
};

struct Call {
  TimePoint began;
  std::vector<std::string> meters;
};

std::string key_of(const Limit& limit, std::string_view account) {
  return std::string(limit.name).append(" ").append(account);
}

}  // namespace

struct Calls::State {
  void end(const Call& call) {
    --count;
    for (const std::string& key : call.meters)
      if (const auto meter = meters.find(key); meter != meters.end() && meter->second.open > 0) --meter->second.open;
  }
  /// Calls that never said goodbye, and meters that count nothing.
  void sweep(TimePoint now) {
    if (now < next_sweep) return;
    next_sweep = now + sweep_interval;
    boost::unordered::erase_if(calls, [&](auto& entry) {
      const bool lost = entry.second.back().began + longest_call <= now;
      if (lost)
        for (const Call& call : entry.second) end(call);
      return lost;
    });
    for (auto& [key, meter] : meters) meter.forget_old(now);
    std::erase_if(meters, [](const auto& entry) { return entry.second.open == 0 && entry.second.begun.empty(); });
  }

  mutable std::mutex mutex;
  boost::unordered_flat_map<std::uint64_t, std::vector<Call>> calls;  ///< rarely more than one of a name
  std::atomic<std::size_t> count{0};
  std::map<std::string, Meter, std::less<>> meters;
  TimePoint next_sweep{};
};

Calls::Calls(observe::Metrics& metrics) : state_(std::make_unique<State>()) {
  metrics.computed("calls.limited", [this] { return static_cast<std::int64_t>(size()); });
}

Calls::~Calls() = default;

const Limit* Calls::begin(std::uint64_t call, std::string_view account, std::span<const Limit> limits, TimePoint now) {
  const std::lock_guard lock(state_->mutex);
  state_->sweep(now);
  if (limits.empty()) return nullptr;
  Call added{now, {}};
  for (const Limit& limit : limits) {
    std::string key = key_of(limit, account);
    Meter& meter = state_->meters[key];
    meter.forget_old(now);
    if (meter.used_up(limit)) return &limit;
    added.meters.push_back(std::move(key));
  }
  for (std::size_t i = 0; i < limits.size(); ++i) {
    Meter& meter = state_->meters[added.meters[i]];
    ++meter.open;
    if (limits[i].calls_per_hour != 0) meter.begun.push_back(now);
  }
  state_->calls[call].push_back(std::move(added));
  ++state_->count;
  return nullptr;
}

void Calls::end(std::uint64_t call) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->calls.find(call);
  if (found == state_->calls.end()) return;
  state_->end(found->second.back());
  found->second.pop_back();
  if (found->second.empty()) state_->calls.erase(found);
}

std::size_t Calls::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->count;
}

bool Calls::any() const {
  return state_->count.load(std::memory_order_relaxed) != 0;
}

std::uint64_t call_name(std::string_view call_id, std::string_view caller_tag, std::uint64_t seed) {
  return hash64(caller_tag, hash64(call_id, seed)) | 1;  // 0 stands for no call
}

}  // namespace bellhop::dialog
