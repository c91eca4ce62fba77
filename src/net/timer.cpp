#include "net/timer.hpp"

#include <algorithm>
#include <bit>

#include "base/prefetch.hpp"

namespace bellhop::net {

namespace {

constexpr Duration tick_length = milliseconds(1);

void make_empty(TimerLink& head) {
  head.next = head.previous = &head;
}
bool is_empty(const TimerLink& head) {
  return head.next == &head;
}

void append(TimerLink& head, TimerLink& link) {
  link.previous = head.previous;
  link.next = &head;
  head.previous->next = &link;
  head.previous = &link;
}

/// Moves all of `from` behind what `to` holds.
void append_all(TimerLink& to, TimerLink& from) {
  if (is_empty(from)) return;
  from.next->previous = to.previous;
  to.previous->next = from.next;
  from.previous->next = &to;
  to.previous = from.previous;
  make_empty(from);
}

void forget_all(TimerLink& head) {
  TimerLink* link = head.next;
  while (link != &head) {
    TimerLink* following = link->next;
    link->next = link->previous = nullptr;
    link = following;
  }
}

}  // namespace

TimerWheel::TimerWheel(TimePoint start) : start_(start) {
  for (Level& level : levels_) std::for_each(level.heads.begin(), level.heads.end(), make_empty);
  make_empty(overdue_);
  make_empty(due_);
}

TimerWheel::~TimerWheel() {
  for (Level& level : levels_) std::for_each(level.heads.begin(), level.heads.end(), forget_all);
  forget_all(overdue_);
  forget_all(due_);
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) {
  timer.disarm();
  timer.deadline_ = deadline;
  insert(timer);
}

void TimerWheel::insert(Timer& timer) {
  // Rounded up, so that nothing fires early.
  const Duration wait = timer.deadline_ <= start_ ? Duration(0) : timer.deadline_ - start_;
  const auto ticks = static_cast<std::uint64_t>(wait / tick_length + (wait % tick_length > Duration(0) ? 1 : 0));
  const std::uint64_t tick = std::min(ticks, last_tick);
  if (tick <= tick_) {
    append(overdue_, timer);
    return;
  }
  const auto level = static_cast<std::size_t>(std::bit_width(tick ^ tick_) - 1) / digit_bits;
  const std::size_t slot = (tick >> (level * digit_bits)) % slots;
  append(levels_[level].heads[slot], timer);
  levels_[level].occupied[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

std::size_t TimerWheel::next_busy_slot(const Level& level, std::size_t from) const {
  for (std::size_t word = from / 64; word < level.occupied.size(); ++word) {
    std::uint64_t bits = level.occupied[word];
    if (word == from / 64) bits &= ~std::uint64_t{0} << (from % 64);
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t slot = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (!is_empty(level.heads[slot])) return slot;
      level.occupied[word] &= ~(std::uint64_t{1} << (slot % 64));
    }
  }
  return slots;
}

std::uint64_t TimerWheel::next_busy_tick(std::size_t* level) const {
  for (std::size_t l = 0; l < levels; ++l) {
    const unsigned shift = static_cast<unsigned>(l) * digit_bits;
    const std::size_t here = (tick_ >> shift) % slots;
    const std::size_t slot = next_busy_slot(levels_[l], here + 1);
    if (slot == slots) continue;
    *level = l;
    return (((tick_ >> shift) - here + slot) << shift);
  }
  return no_tick;
}

void TimerWheel::spread(std::size_t level, std::size_t slot) {
  TimerLink moved;
  make_empty(moved);
  append_all(moved, levels_[level].heads[slot]);
  while (!is_empty(moved)) {
    auto& timer = static_cast<Timer&>(*moved.next);
    timer.disarm();
    insert(timer);
  }
}

void TimerWheel::collect(TimePoint now) {
  append_all(due_, overdue_);
  const std::uint64_t target =
      now <= start_ ? 0 : std::min(static_cast<std::uint64_t>((now - start_) / tick_length), last_tick);
  while (tick_ < target) {
    std::size_t level = 0;
    const std::uint64_t busy = next_busy_tick(&level);
    if (busy > target) break;
    tick_ = busy;
    const std::size_t slot = (busy >> (level * digit_bits)) % slots;
    if (level == 0) {
      append_all(due_, levels_[0].heads[slot]);
    } else {
      spread(level, slot);
      append_all(due_, overdue_);  // those of the slot's very first tick
    }
  }
  tick_ = std::max(tick_, target);
}

Timer* TimerWheel::pop_due() {
  if (is_empty(due_)) return nullptr;
  auto& timer = static_cast<Timer&>(*due_.next);
  timer.disarm();
  // The next one has waited long, and so has the object around it.
  constexpr std::size_t around = 128;
  prefetch(reinterpret_cast<const char*>(due_.next) - around, 2 * around);
  return &timer;
}

TimePoint TimerWheel::next_deadline() const {
  std::size_t level = 0;
  const std::uint64_t tick = is_empty(overdue_) && is_empty(due_) ? next_busy_tick(&level) : tick_;
  return tick == no_tick ? never : start_ + static_cast<std::int64_t>(tick) * tick_length;
}

}  // namespace bellhop::net
