#include "base/quoted.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <iterator>

#include "base/sixteen.hpp"

namespace bellhop {

namespace {

/// Nothing in it that a log line has to escape; of sixteen octets or more.
bool is_plain_in_log(std::string_view text) {
  Sixteen special{};
  const auto look_at = [&](const char* at) {
    const Sixteen octets = load_sixteen(at);
    special |= reinterpret_cast<Sixteen>((octets - 0x20 >= 0x5f) | (octets == '"') | (octets == '\\'));
  };
  for (std::size_t at = 0; at + sizeof special < text.size(); at += sizeof special) look_at(text.data() + at);
  look_at(text.data() + text.size() - sizeof special);
  std::uint64_t halves[2];
  std::memcpy(halves, &special, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

void append_escaped(std::string& out, char c) {
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

}  // namespace

void append_quoted_for_log(std::string& out, std::string_view text, std::size_t max_length) {
  out += '"';
  const std::string_view shown = text.substr(0, max_length);
  if (shown.size() >= 16 && is_plain_in_log(shown)) {  // as nearly all are
    out += shown;
  } else {
    for (const char c : shown) append_escaped(out, c);
  }
  out += text.size() > max_length ? "\"..." : "\"";
}

}  // namespace bellhop
