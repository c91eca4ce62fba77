#include "transport/avoided.hpp"

#include <algorithm>

namespace bellhop::transport {

Avoided::Avoided(observe::Metrics& metrics) : failures_(metrics.counter("transport.targets.failed")) {
  metrics.computed("transport.targets.avoided",
                   [this] { return static_cast<std::int64_t>(size_.load(std::memory_order_relaxed)); });
}

Avoided::~Avoided() = default;

void Avoided::failed(const Target& target, Duration how_long, TimePoint now) {
  const std::lock_guard lock(mutex_);
  failures_.add();
  if (how_long <= Duration::zero()) return;
  forget_old(now);
  TimePoint& until = until_[key_of(target)];
  until = std::max(until, now + how_long);
  size_.store(until_.size(), std::memory_order_relaxed);
}

/// Those whose time is over; when the table is full, also the one that is next.
void Avoided::forget_old(TimePoint now) {
  TimePoint limit = now;
  if (until_.size() >= most) {
    TimePoint next = never;
    for (const auto& entry : until_) next = std::min(next, entry.second);
    limit = std::max(limit, next);
  }
  boost::unordered::erase_if(until_, [&](const auto& entry) { return entry.second <= limit; });
}

void Avoided::succeeded(const Target& target) {
  if (size_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  until_.erase(key_of(target));
  size_.store(until_.size(), std::memory_order_relaxed);
}

void Avoided::put_last(std::span<Target> targets, TimePoint now) {
  if (targets.size() < 2 || size_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  std::stable_partition(targets.begin(), targets.end(), [&](const Target& target) {
    const auto found = until_.find(key_of(target));
    if (found == until_.end() || found->second > now) return found == until_.end();
    until_.erase(found);
    return true;
  });
  size_.store(until_.size(), std::memory_order_relaxed);
}

}  // namespace bellhop::transport
