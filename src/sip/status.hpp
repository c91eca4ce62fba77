#pragma once

#include <cstdint>
#include <string_view>

namespace bellhop::sip {

/// A status code 100..699 (RFC 3261 section 21).
struct StatusCode {
  std::uint16_t value = 0;
  constexpr StatusCode() = default;
  constexpr StatusCode(int code) : value(static_cast<std::uint16_t>(code)) {}
  [[nodiscard]] constexpr bool provisional() const { return value < 200; }
  [[nodiscard]] constexpr bool success() const { return value >= 200 && value < 300; }
  [[nodiscard]] constexpr bool final() const { return value >= 200; }
  [[nodiscard]] constexpr int class_of() const { return value / 100; }
  friend constexpr auto operator<=>(StatusCode, StatusCode) = default;
};

/// The registered reason phrase (features.md MSG-07 lists them all); for an unknown code that of its x00.
[[nodiscard]] std::string_view reason_phrase(StatusCode code);

}  // namespace bellhop::sip
