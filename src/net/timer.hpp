#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace bellhop::net {

/// A place in one of the wheel's lists.
struct TimerLink {
  TimerLink* next = nullptr;
  TimerLink* previous = nullptr;
};

/// One pending deadline, embedded in the object it belongs to (a slot of a SlotMap, so its address is stable).
/// Destroying an armed timer disarms it.
class Timer : private TimerLink {
 public:
  explicit Timer(std::uint64_t token = 0) : token_(token) {}
  ~Timer() { disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool armed() const { return next != nullptr; }
  [[nodiscard]] TimePoint deadline() const { return deadline_; }
  [[nodiscard]] std::uint64_t token() const { return token_; }
  /// What the wheel's user is given when it fires: kind and SlotId packed by the owner, never a pointer.
  void set_token(std::uint64_t token) { token_ = token; }
  void disarm() {
    if (next == nullptr) return;
    next->previous = previous;
    previous->next = next;
    next = previous = nullptr;
  }

 private:
  TimePoint deadline_{};
  std::uint64_t token_ = 0;
  friend class TimerWheel;
};

/// Hierarchical timer wheel, one per shard: arm, re-arm and disarm are a few pointer writes (about 10 ns), whatever the
/// number pending. Resolution 1 ms counted from `start`: a timer never fires early and at most one tick late.
///
/// Layout  five levels of 256 slots; a timer lies in the level of the highest digit (base 256) in which its tick
///         differs from the wheel's, so a slot of an upper level is spread over the lower ones exactly once, when its
///         time comes. Bitmaps of occupied slots let the wheel cross empty hours in one step. It spans 34 years.
class TimerWheel {
 public:
  explicit TimerWheel(TimePoint start);
  ~TimerWheel();  ///< disarms what is still armed
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Arms (or re-arms) the timer. A deadline that has passed fires at the next advance().
  void arm(Timer& timer, TimePoint deadline);

  /// Fires everything due at `now`, in order of ticks: calls fire(token) with the timer already disarmed, so it may arm
  /// it again, disarm others or destroy objects. What it arms fires at the next advance() at the earliest.
  template <class F>
  void advance(TimePoint now, F&& fire) {
    collect(now);
    while (Timer* timer = pop_due()) fire(timer->token());
  }

  /// When advance() must be called next: the tick of the earliest timer, or a lower bound of it when it lies in an
  /// upper level (advance() then only moves timers down); `never` when nothing is armed.
  [[nodiscard]] TimePoint next_deadline() const;

 private:
  static constexpr unsigned digit_bits = 8;
  static constexpr std::size_t levels = 5, slots = std::size_t{1} << digit_bits;
  static constexpr std::uint64_t last_tick = (std::uint64_t{1} << (levels * digit_bits)) - 1;
  static constexpr std::uint64_t no_tick = UINT64_MAX;

  /// Bits may be stale: disarm() does not know its wheel, so an emptied slot is noticed when it is next looked at.
  using Occupied = std::array<std::uint64_t, slots / 64>;
  struct Level {
    std::array<TimerLink, slots> heads;
    mutable Occupied occupied{};
  };

  void collect(TimePoint now);
  Timer* pop_due();
  void insert(Timer& timer);
  void spread(std::size_t level, std::size_t slot);
  [[nodiscard]] std::uint64_t next_busy_tick(std::size_t* level) const;
  [[nodiscard]] std::size_t next_busy_slot(const Level& level, std::size_t from) const;

  std::array<Level, levels> levels_;
  TimerLink overdue_;  ///< armed with a deadline that had passed
  TimerLink due_;      ///< being fired
  TimePoint start_;
  std::uint64_t tick_ = 0;  ///< everything up to and including this tick has been collected
};

}  // namespace bellhop::net
