#pragma once

#include <vector>

#include "transaction/machines.hpp"

namespace bellhop::transaction {

using Millis = std::chrono::milliseconds;

inline constexpr TimePoint start{seconds(1'700'000'000)};

/// What a machine did while nobody spoke to it; times are counted from `start`.
struct Played {
  std::vector<Millis> sent;
  std::optional<Millis> ended;
  bool timed_out = false;
  bool ack_missing = false;
};

[[nodiscard]] inline Millis since_start(TimePoint t) {
  return std::chrono::duration_cast<Millis>(t - start);
}

/// Jumps from deadline to deadline up to and including `until`; `never` plays until the machine wants nothing more.
template <class Machine>
Played play_until(Machine& machine, TimePoint until) {
  Played played;
  while (const auto deadline = machine.next_deadline()) {
    if (*deadline > until) break;
    const Effects effects = machine.on_deadline(*deadline);
    if (effects.send) played.sent.push_back(since_start(*deadline));
    if (effects.terminated) played.ended = since_start(*deadline);
    played.timed_out |= effects.timed_out;
    played.ack_missing |= effects.ack_missing;
  }
  return played;
}

template <class Machine>
Played play_until_silent(Machine& machine) {
  return play_until(machine, never);
}

/// Whether an effect asks for nothing at all.
[[nodiscard]] inline bool nothing(const Effects& e) {
  return !(e.send || e.pass_up || e.make_ack || e.drop_request || e.timed_out || e.ack_missing || e.terminated);
}

}  // namespace bellhop::transaction
