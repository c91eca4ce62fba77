#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "observe/metrics.hpp"

namespace bellhop::dialog {

/// One limit on what an account may use up.
struct Limit {
  std::string_view name;             ///< accounts are counted under it
  std::uint32_t calls = 0;           ///< at once; 0: any number
  std::uint32_t calls_per_hour = 0;  ///< begun within the last hour; 0: any number
};

/// Which calls are under way for whom, server-wide: what caps are held against (KAM-40).
///
/// Calls    are known by call_name(): Call-ID and the caller's tag. One that never says goodbye is forgotten after a
///          day.
/// Memory   about 200 octets a call and account; nothing for calls without limits, which never come here.
/// Threads  any; one lock, taken for calls with limits only.
class Calls {
 public:
  explicit Calls(observe::Metrics& metrics);
  ~Calls();

  /// Counts a call of this account under each of the limits. Null: done; else the one that is used up, and nothing was
  /// counted. Every INVITE that comes here counts, under whatever name: repetitions were absorbed before.
  [[nodiscard]] const Limit* begin(std::uint64_t call, std::string_view account, std::span<const Limit> limits,
                                   TimePoint now);
  /// One call of this name was refused, or a BYE ended it. Unknown ones are none of our business.
  void end(std::uint64_t call);
  [[nodiscard]] std::size_t size() const;
  /// Whether there is anything to end; takes no lock.
  [[nodiscard]] bool any() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The name of the call that the party with this tag began.
[[nodiscard]] std::uint64_t call_name(std::string_view call_id, std::string_view caller_tag, std::uint64_t seed);

}  // namespace bellhop::dialog
