#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/time.hpp"

namespace bellhop::auth {

/// Remembers which counts of which nonces have been used, so that a captured request cannot be played again
/// (RFC 7616 section 5.5, threats 59). A nonce enters with its first good use.
///
/// Window   counts may come out of order within 64, as pipelined requests over UDP do; each serves once.
/// Memory   about 48 octets a nonce, at most `capacity` of them. The oldest entry makes room for a new one, and from
///          then on every unknown nonce issued no later than the one that left is `forgotten`, since it might be the
///          one: the client gets a new nonce, a replay gets nowhere.
/// Threads  any: striped locks, held for one probe.
class NonceTable {
 public:
  explicit NonceTable(std::size_t capacity);
  ~NonceTable();

  enum class Use : std::uint8_t {
    first_time,    ///< this count is fresh; it is used now
    same_request,  ///< used before by this very request: a retransmission
    repeated,      ///< used before by another one, or too far behind to tell
    forgotten,     ///< nothing can be said about this nonce any more
  };
  /// `key` names the nonce; entries whose nonces have outlived `lifetime` are dropped on the way. `request` is a hash
  /// of what makes the request this one (0: nothing does); only that of the highest count is remembered.
  Use use(std::uint64_t key, TimePoint issued, std::uint32_t count, TimePoint now, Duration lifetime,
          std::uint64_t request = 0);
  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bellhop::auth
