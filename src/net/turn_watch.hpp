#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.hpp"

namespace bellhop::net {

/// A turn of a wire must not last longer: nothing that can block belongs on a shard's thread, and what takes long has
/// to be cut into pieces.
inline constexpr Duration longest_turn = milliseconds(5);

/// What a wire's thread is doing: written by it with plain stores, read by the watch.
class TurnMark {
 public:
  void begin(TimePoint now) {
    step("reading");
    began_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  void end() { began_.store(0, std::memory_order_relaxed); }
  /// The step under way, a static text.
  void step(const char* name) { step_.store(name, std::memory_order_relaxed); }

  /// Notes the step when the turn under way has lasted too long. For the watch. False: no turn is under way.
  bool look(TimePoint now) {
    const std::int64_t began = began_.load(std::memory_order_relaxed);
    if (began != 0 && now - TimePoint(Duration(began)) > longest_turn &&
        caught_.load(std::memory_order_relaxed) == nullptr)
      caught_.store(step_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return began != 0;
  }
  /// The step in which the latest long turn was caught, and forgets it; null: nobody looked in time.
  const char* take_caught() { return caught_.exchange(nullptr, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> began_{0};
  std::atomic<const char*> step_{"start"};
  std::atomic<const char*> caught_{nullptr};
};

/// Looks every few milliseconds at what the wires are doing, so that a turn that lasts too long can be told with the
/// step that held it up. While it meets no turn it looks less often, up to eight times: an idle server is woken 25
/// times a second, and the step of a turn shorter than that pause may remain unknown there. 14 us of CPU a look here.
///
/// Thread  its own, from construction to destruction; the marks outlive it.
class TurnWatch {
 public:
  explicit TurnWatch(std::vector<TurnMark*> marks);
  ~TurnWatch();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bellhop::net
