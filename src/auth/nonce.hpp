#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/time.hpp"
#include "crypto/token.hpp"

namespace bellhop::auth {

/// Keyed, self-describing nonces (RFC 7616 section 3.3): 26 characters that hold the time of issue in microseconds, a
/// counter for several in one microsecond, and a MAC over both and the realm. Nothing is remembered when one is issued,
/// and nothing of the client's address is in it, so a phone that changes networks keeps its nonce.
///
/// Threads  any.
class Nonces {
 public:
  explicit Nonces(const crypto::Key& key) : key_(key) {}

  static constexpr std::size_t size = 2 * crypto::base32_size;
  /// A new one into `out`, which has room for `size` characters; returns where it ends.
  char* write(char* out, std::string_view realm, TimePoint now);

  struct Reading {
    bool genuine = false;  ///< ours, and for this realm
    std::uint64_t id = 0;  ///< names the nonce among all of this key
    TimePoint issued{};
  };
  [[nodiscard]] Reading read(std::string_view nonce, std::string_view realm) const;

 private:
  [[nodiscard]] std::uint64_t mac(std::uint64_t id, std::string_view realm) const;

  crypto::Key key_;
  std::atomic<std::uint64_t> counter_{0};
};

}  // namespace bellhop::auth
