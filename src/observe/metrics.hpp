#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace bellhop::observe {

/// A number that only grows. Written by its one owning thread, read by any: a relaxed load and store, no locked
/// instruction.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A level that rises and falls; same rule of one writer.
class Gauge {
 public:
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) { set(value() + n); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// The named numbers of one owner (a shard, or the process). Names are dotted paths such as "transactions.server"; a
/// room asks for its references once, at construction, and the hot path only touches those.
class Metrics {
 public:
  [[nodiscard]] Counter& counter(std::string_view name);
  [[nodiscard]] Gauge& gauge(std::string_view name);
  /// A gauge that is computed when somebody asks. `read` must be callable from any thread.
  void computed(std::string_view name, std::function<std::int64_t()> read);

  struct Values {
    std::map<std::string, std::uint64_t> counters;
    std::map<std::string, std::int64_t> gauges;
  };
  /// Adds what this owner holds to `values`: equal names of several shards add up.
  void collect(Values& values) const;

 private:
  mutable std::mutex mutex_;  ///< guards the maps, never taken on the hot path
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::map<std::string, Counter*, std::less<>> counter_names_;
  std::map<std::string, Gauge*, std::less<>> gauge_names_;
  std::map<std::string, std::function<std::int64_t()>, std::less<>> computed_;
};

}  // namespace bellhop::observe
