#include <algorithm>
#include <array>

#include "sip/scan.hpp"
#include "sip/uri.hpp"

namespace bellhop::sip {
namespace {

using scan::is;

constexpr std::size_t longest_label = 63;  // RFC 1035 section 2.3.4
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_ipv6_reference = 50;  // 6 groups of 4, an IPv4 address, brackets, the tolerated colon

bool is_decimal_octet(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return false;
  std::uint32_t number = 0;
  return std::all_of(text.begin(), text.end(), [](char c) { return is(c, scan::digit); }) &&
         scan::number_up_to(text, 255, number);
}

/// The IPv4 address at the beginning, when it is one and ends there: the usual host of a Via. 0: look closer.
std::size_t leading_ipv4_length(std::string_view text) {
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part != 0 && (at == text.size() || text[at++] != '.')) return 0;
    const std::size_t begin = at;
    while (at < text.size() && at - begin < 3 && is(text[at], scan::digit)) ++at;
    if (!is_decimal_octet(text.substr(begin, at - begin))) return 0;
  }
  if (at < text.size() && (is(text[at], scan::label) || text[at] == '-' || text[at] == '.')) return 0;
  return at;
}

bool is_ipv4(std::string_view text) { return !text.empty() && leading_ipv4_length(text) == text.size(); }

/// IPv6address of RFC 5954 section 4.1, and the ":::" in front of an IPv4 address that RFC 5118 section 4.10 wants to
/// be tolerated.
class Ipv6Text {
 public:
  explicit Ipv6Text(std::string_view text) : cursor_(text) {}

  bool valid() {
    if (cursor_.sees(':') && !take_compression()) return false;
    while (!cursor_.done()) {
      const char* const begin = cursor_.at;
      const std::size_t digits = cursor_.take(scan::hex).size();
      if (cursor_.sees('.')) return is_ipv4(cursor_.since(begin, cursor_.end)) && groups_fit(2);
      if (extra_colon_ || digits == 0 || digits > 4) return false;
      ++groups_;
      if (cursor_.done()) break;
      if (!take_colon()) return false;
    }
    return !extra_colon_ && groups_fit(0);
  }

 private:
  bool groups_fit(int more) const { return compressed_ ? groups_ + more <= 7 : groups_ + more == 8; }

  bool take_colon() {
    if (cursor_.end - cursor_.at >= 2 && cursor_.at[0] == ':' && cursor_.at[1] == ':') return take_compression();
    return cursor_.skip(':') && !cursor_.done();
  }
  bool take_compression() {
    if (compressed_ || !cursor_.skip(':') || !cursor_.skip(':')) return false;
    compressed_ = true;
    extra_colon_ = cursor_.skip(':');
    return true;
  }

  scan::Cursor cursor_;
  int groups_ = 0;
  bool compressed_ = false;
  bool extra_colon_ = false;
};

std::size_t ipv6_reference_length(std::string_view text) {
  const auto close = text.substr(0, longest_ipv6_reference).find(']');
  if (close == std::string_view::npos || close == 1) return 0;
  return Ipv6Text(text.substr(1, close - 1)).valid() ? close + 1 : 0;
}

/// "[192.0.2.1]": no host of the grammar, but a way people write addresses as domains, as in mail (CGP-15).
std::size_t bracketed_ipv4_length(std::string_view text) {
  const auto close = text.find(']');
  return close != std::string_view::npos && is_ipv4(text.substr(1, close - 1)) ? close + 1 : 0;
}

}  // namespace

std::size_t host_length(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '[') {
    const std::size_t length = ipv6_reference_length(text);
    return length != 0 ? length : bracketed_ipv4_length(text);
  }

  if (is(text[0], scan::digit)) {
    if (const std::size_t length = leading_ipv4_length(text)) return length;
  }

  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* at = begin;
  bool last_label_is_number = false;
  for (;;) {
    const char* const label = at;
    bool number = true;
    for (; at != end && (is(*at, scan::label) || *at == '-'); ++at) number = number && is(*at, scan::digit);
    if (at == label) {
      // Only the root behind a trailing dot may be empty.
      if (at == begin || last_label_is_number || (at != end && *at == '.')) return 0;
      break;
    }
    if (*label == '-' || at[-1] == '-' || static_cast<std::size_t>(at - label) > longest_label) return 0;
    last_label_is_number = number;
    if (at == end || *at != '.') break;
    ++at;
  }
  const auto length = static_cast<std::size_t>(at - begin);
  if (length > longest_name || (last_label_is_number && !is_ipv4(text.substr(0, length)))) return 0;
  return length;
}

std::optional<IpAddress> host_address(std::string_view host) {
  const auto extra_colon = host.find(":::");
  if (extra_colon == std::string_view::npos || host_length(host) != host.size()) return IpAddress::parse(host);
  std::array<char, longest_ipv6_reference> corrected;
  char* const stop = std::copy(host.begin(), host.begin() + extra_colon, corrected.data());
  const char* const last = std::copy(host.begin() + extra_colon + 1, host.end(), stop);
  return IpAddress::parse(scan::Cursor::since(corrected.data(), last));
}

}  // namespace bellhop::sip
