#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace bellhop {

namespace {

std::uint64_t eight_octets(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Eight octets at once, A-Z to a-z and nothing else.
std::uint64_t fold_case(std::uint64_t word) {
  constexpr std::uint64_t every = 0x0101010101010101;
  const std::uint64_t low_bits = word & (0x7f * every);
  const std::uint64_t above_z = low_bits + (0x7f - 'Z') * every;
  const std::uint64_t from_a = low_bits + (0x80 - 'A') * every;
  const std::uint64_t upper = (from_a ^ above_z) & ~word & (0x80 * every);
  return word | upper >> 2;
}

bool same_eight(const char* a, const char* b) {
  const std::uint64_t x = eight_octets(a), y = eight_octets(b);
  return x == y || fold_case(x) == fold_case(y);
}

}  // namespace

bool equals_ignore_case(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 8) {
    return std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || lower(x) == lower(y); });
  }
  for (std::size_t i = 0; i + 8 < size; i += 8) {
    if (!same_eight(a.data() + i, b.data() + i)) return false;
  }
  return same_eight(a.data() + size - 8, b.data() + size - 8);
}

bool starts_with_ignore_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignore_case(text.substr(0, prefix.size()), prefix);
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > UINT64_MAX / 10 || (value == UINT64_MAX / 10 && digit > UINT64_MAX % 10)) return std::nullopt;
    value = value * 10 + digit;
  }
  return value <= max ? std::optional(value) : std::nullopt;
}

std::string to_hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto octet = static_cast<unsigned char>(c);
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
  return out;
}

std::string quoted_for_log(std::string_view text, std::size_t max_length) {
  std::string out = "\"";
  for (const char c : text.substr(0, max_length)) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", octet);
    } else {
      out += c;
    }
  }
  out += text.size() > max_length ? "\"..." : "\"";
  return out;
}

}  // namespace bellhop
