#include "config/texts.hpp"

#include <algorithm>

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "sip/uri.hpp"

namespace bellhop::config {

namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool has_blank(std::string_view text) {
  return has_control(text) || text.find(' ') != std::string_view::npos;
}

bool is_label_character(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t longest_name = 253, longest_label = 63;
  if (text.empty() || text.size() > longest_name) return false;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!is_label_character(c) || ++label > longest_label) {
      return false;
    }
  }
  return label > 0;
}

bool is_host(std::string_view text) {
  return IpAddress::parse(text) || is_host_name(text);
}

bool is_host_port(std::string_view text) {
  if (is_host(text)) return true;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = parse_decimal(text.substr(colon + 1), 65535);
  const std::string_view host = text.substr(0, colon);
  const bool bare_v6 = host.find(':') != std::string_view::npos && host.front() != '[';
  return port && *port != 0 && !bare_v6 && is_host(host);
}

bool is_uri(std::string_view text) {
  return starts_with_ignore_case(text, "sip:") || starts_with_ignore_case(text, "sips:") ||
         starts_with_ignore_case(text, "tel:");
}

}  // namespace

std::string host_fault(std::string_view text) {
  return is_host(text) ? "" : "is no host name; write one like \"example.org\", or an IP address";
}

std::string prefix_fault(std::string_view text) {
  const bool labels = text.size() > 1 && text.ends_with('.') && is_host(text.substr(0, text.size() - 1));
  return text.empty() || labels
             ? ""
             : "is no beginning of a host name; write whole labels with the dot behind them, like \"sip.\"";
}

std::string advertise_fault(std::string_view text) {
  const auto literal = IpAddress::parse(text);
  if (literal && literal->is_v6() && !text.starts_with('['))
    return "is an IPv6 address without brackets; write \"[" + std::string(text) +
           "]\", with a port behind it if needed";
  if (text.empty() || is_host_port(text)) return {};
  return "is no host with or without port; write it like \"sip.example.org\" or \"192.0.2.7:5060\"";
}

std::string user_fault(std::string_view text) {
  if (text.find('@') != std::string_view::npos) return "contains '@'; write only what stands before it";
  if (text.empty() || text.size() > 128 || has_blank(text) || text.find_first_of(":\"<>\\") != std::string_view::npos)
    return "is no user name; write 1 to 128 characters without spaces, quotes and : < > \\";
  return {};
}

std::string password_fault(std::string_view text) {
  if (text.empty()) return "is empty; an account without password cannot log in, so write one";
  if (has_control(text) || text.size() > 256)
    return "is no password; write 1 to 256 characters without control characters";
  return {};
}

std::string target_fault(std::string_view text) {
  const auto at = text.rfind('@');
  const bool shaped = !text.empty() && !has_blank(text) && text.size() <= 512 &&
                      (is_uri(text) || at == std::string_view::npos || (at > 0 && is_host_port(text.substr(at + 1))));
  return shaped ? "" : "is no target; write a user of the same domain, user@domain, or a sip, sips or tel URI";
}

std::string word_pattern_fault(std::string_view text) {
  return has_blank(text) ? "has blanks; write a pattern without them, like \"*@spam.test\"" : pattern_fault(text);
}

std::string address_fault(std::string_view text) {
  const auto at = text.rfind('@');
  const bool shaped = !has_blank(text) && text.size() <= 512 && at != std::string_view::npos && at > 0 &&
                      host_fault(text.substr(at + 1)).empty();
  return shaped ? "" : "is no address; write one like \"sales@example.org\"";
}

std::string relay_fault(std::string_view text) {
  if (text.empty() || is_host_port(text)) return {};
  if (starts_with_ignore_case(text, "sip:") && text.size() > 4 && !has_blank(text)) return {};
  return "is no relay; write a host like \"proxy.example.org:5060\", or \"sip:proxy.example.org;transport=tcp\"";
}

std::string path_fault(std::string_view text) {
  if (text.empty()) return "is empty; write a path";
  return has_control(text) ? "has control characters; write a path without them" : "";
}

std::string ciphers_fault(std::string_view text) {
  return has_blank(text) || text.size() > 1000
             ? "is no cipher list; write names joined by ':', like \"ECDHE+AESGCM:ECDHE+CHACHA20\""
             : "";
}

std::string origin_fault(std::string_view text) {
  const auto mark = text.find("://");
  const bool shaped = mark != std::string_view::npos && mark > 0 && is_host_port(text.substr(mark + 3));
  return shaped ? "" : "is no origin; write it as browsers send it, like \"https://phone.example.org\"";
}

std::string server_name_fault(std::string_view text) {
  return has_control(text) || text.size() > 100 ? "is no name; write up to 100 characters on one line" : "";
}

std::string pattern_fault(std::string_view text) {
  return text.empty() || has_control(text) || text.size() > 200
             ? "is no pattern; write 1 to 200 characters, like \"Acme Phone *\""
             : "";
}

std::string uri_fault(std::string_view text) {
  const bool sip = starts_with_ignore_case(text, "sip:") || starts_with_ignore_case(text, "sips:");
  return sip && sip::parse_uri(text) ? "" : "is no SIP URI; write one like \"sip:proxy.example.org;lr\"";
}

std::string optional_uri_fault(std::string_view text) {
  return text.empty() ? std::string() : uri_fault(text);
}

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, tried = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(text[t]))) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {  // the last "*" takes one character more
      p = star + 1;
      t = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace bellhop::config
