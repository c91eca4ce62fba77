#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace bellhop::net {

/// The bounded queue through which other threads hand values to a shard (CGP-28, CGP-29 expressed in shards): posting
/// takes a short lock, taking swaps the whole batch out. What does not fit is refused and counted, never waited for.
template <class T>
class Inbox {
 public:
  explicit Inbox(std::size_t limit) : limit_(limit) {}

  /// False: full, the value was dropped. `*was_empty` tells the poster to wake the shard. What `must_arrive` (a reload,
  /// an answer somebody waits for: few, and none of them made by a stranger) is taken also beyond the limit.
  bool post(T&& value, bool* was_empty, bool must_arrive = false) {
    const std::lock_guard lock(mutex_);
    if (values_.size() >= limit_ && !must_arrive) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    *was_empty = values_.empty();
    values_.push_back(std::move(value));
    return true;
  }

  /// Moves everything waiting into `out` (whose old contents are dropped).
  void take(std::vector<T>& out) {
    out.clear();
    const std::lock_guard lock(mutex_);
    std::swap(out, values_);
  }

  [[nodiscard]] bool empty() const {
    const std::lock_guard lock(mutex_);
    return values_.empty();
  }

  void set_limit(std::size_t limit) {
    const std::lock_guard lock(mutex_);
    limit_ = limit;
  }
  [[nodiscard]] std::size_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  mutable std::mutex mutex_;
  std::vector<T> values_;
  std::size_t limit_;
  std::atomic<std::size_t> dropped_{0};
};

}  // namespace bellhop::net
