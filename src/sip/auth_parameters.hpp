#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bellhop::sip {

inline constexpr std::size_t most_auth_parameters = 32;  ///< more of them are refused (threats 20)

/// The parameters of digest credentials that mean something to us (RFC 7616 section 3.4).
enum class DigestName : std::uint8_t {
  username,
  username_star,
  realm,
  nonce,
  uri,
  response,
  algorithm,
  qop,
  nc,
  cnonce,
  opaque,
  count_
};

/// The parameters of one Authorization value, each found by its name: what parse_auth() makes a list of, without heap.
/// Views into the value.
class DigestParameters {
 public:
  /// Takes what parse_auth() takes and refuses what it refuses. False leaves nothing of use.
  [[nodiscard]] bool read(std::string_view value);

  [[nodiscard]] bool has(DigestName name) const { return (present_ >> index(name) & 1u) != 0; }
  /// Without quotes, escapes kept; empty when there is none.
  [[nodiscard]] std::string_view value(DigestName name) const {
    return has(name) ? values_[index(name)].view() : std::string_view();
  }
  [[nodiscard]] bool has_quoted_pairs(DigestName name) const {
    return (escaped_ >> index(name) & 1u) != 0 && value(name).find('\\') != std::string_view::npos;
  }

 private:
  struct Text {  // without a value of its own: what is not present is never read
    const char* at;
    std::size_t size;
    [[nodiscard]] std::string_view view() const { return {at, size}; }
  };
  static constexpr std::size_t index(DigestName name) { return static_cast<std::size_t>(name); }
  [[nodiscard]] bool add_other(std::string_view name);

  std::array<Text, static_cast<std::size_t>(DigestName::count_)> values_;
  std::array<Text, most_auth_parameters> others_;  ///< names that mean nothing to us; they stand once too
  std::size_t other_count_ = 0;
  std::uint32_t present_ = 0, escaped_ = 0;  ///< bit per DigestName
};

}  // namespace bellhop::sip
