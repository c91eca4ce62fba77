#pragma once

#include <string>
#include <string_view>

#include "sip/message.hpp"

namespace bellhop::sip::test {

/// Test messages are written with "\n"; on the wire each line ends with CRLF.
inline std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out.push_back('\r');
    out.push_back(c);
  }
  return out;
}

/// A sound request without blank line: tests add, take away or break lines.
inline constexpr std::string_view options_head =
    "OPTIONS sip:bob@example.com SIP/2.0\n"
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\n"
    "Max-Forwards: 70\n"
    "From: <sip:alice@example.com>;tag=a1\n"
    "To: <sip:bob@example.com>\n"
    "Call-ID: c1@example.com\n"
    "CSeq: 1 OPTIONS\n";

inline std::string options_with(std::string_view more_lines, std::string_view body = {}) {
  return crlf(std::string(options_head).append(more_lines).append("\n")).append(body);
}

/// The request with `line_start`'s line replaced (or removed, when `line` is empty).
inline std::string options_instead(std::string_view line_start, std::string_view line) {
  std::string text(options_head);
  const std::size_t at = text.find(line_start);
  text.replace(at, text.find('\n', at) + 1 - at, line.empty() ? std::string() : std::string(line) + "\n");
  return crlf(text + "\n");
}

}  // namespace bellhop::sip::test
