#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bellhop {

// ASCII text as SIP means it: case is folded for A-Z only, and never by locale.

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
[[nodiscard]] bool equals_ignore_case(std::string_view a, std::string_view b);
[[nodiscard]] bool starts_with_ignore_case(std::string_view text, std::string_view prefix);
[[nodiscard]] std::string to_lower(std::string_view text);

/// Without SP, HTAB, CR and LF at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// All of `text` as an unsigned decimal number up to `max`; nothing for an empty text, a sign, another character or
/// a number that is too large.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max = UINT64_MAX);

/// Lower-case hexadecimal, two digits an octet.
[[nodiscard]] std::string to_hex(std::string_view bytes);

/// The text with control characters, quotes and backslashes escaped: what came from the network, safe in a log line.
[[nodiscard]] std::string quoted_for_log(std::string_view text, std::size_t max_length = 200);

}  // namespace bellhop
