#include "base/text.hpp"

#include <algorithm>
#include <cstring>

#include "base/fold_case.hpp"
#include "base/quoted.hpp"

namespace bellhop {

namespace {

std::uint64_t eight_octets(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

bool same(std::uint64_t a, std::uint64_t b) {
  return a == b || fold_case(a) == fold_case(b);
}

bool same_eight(const char* a, const char* b) {
  return same(eight_octets(a), eight_octets(b));
}

/// All of a text of four to eight octets: some of them twice.
std::uint64_t four_and_four_octets(const char* at, std::size_t size) {
  std::uint32_t first = 0, last = 0;
  std::memcpy(&first, at, sizeof first);
  std::memcpy(&last, at + size - sizeof last, sizeof last);
  return std::uint64_t{first} << 32 | last;
}

}  // namespace

bool equals_ignore_case(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 4) {
    return std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || lower(x) == lower(y); });
  }
  if (size < 8) return same(four_and_four_octets(a.data(), size), four_and_four_octets(b.data(), size));
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
  copy_lower(text, out.data());
  return out;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) {
  if (text.empty()) return std::nullopt;
  constexpr std::size_t fits_always = 19;  // so many nines are less than 2^64
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (text.size() > fits_always && value > (UINT64_MAX - digit) / 10) return std::nullopt;
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
  std::string out;
  out.reserve(std::min(text.size(), max_length) + 5);
  append_quoted_for_log(out, text, max_length);
  return out;
}

}  // namespace bellhop
