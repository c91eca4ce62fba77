#include <algorithm>
#include <array>
#include <bit>

#include "sip/octets.hpp"
#include "sip/plain.hpp"
#include "sip/scan.hpp"
#include "sip/uri.hpp"

namespace bellhop::sip {
namespace {

using scan::is;

constexpr std::size_t longest_label = 63;  // RFC 1035 section 2.3.4
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_ipv6_reference = 50;  // 6 groups of 4, an IPv4 address, brackets, the tolerated colon

/// One to three digits without a leading zero, 255 at most.
bool is_decimal_octet(const char* begin, const char* end) {
  if (end - begin == 1) return true;
  if (begin == end || end - begin > 3 || *begin == '0') return false;
  return end - begin == 2 || *begin == '1' ||
         (*begin == '2' && (begin[1] < '5' || (begin[1] == '5' && begin[2] <= '5')));
}

/// The IPv4 address at the beginning, when it is one and ends there. 0: it is none.
std::size_t leading_ipv4_length(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int part = 0; part < 4; ++part) {
    if (part != 0 && (at == end || *at++ != '.')) return 0;
    const char* const begin = at;
    while (at != end && is(*at, scan::digit)) ++at;
    if (!is_decimal_octet(begin, at)) return 0;
  }
  if (at != end && (is(*at, scan::label) || *at == '-' || *at == '.')) return 0;
  return static_cast<std::size_t>(at - text.data());
}

bool is_ipv4(std::string_view text) {
  return !text.empty() && leading_ipv4_length(text) == text.size();
}

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

/// Name or IPv4 address, octet by octet.
std::size_t long_host_length(std::string_view text) {
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

/// Whether these digits and dots are an IPv4 address: four numbers of one to three digits, 255 at most and without a
/// leading zero. All numbers are looked at in one go: bit i of each mask is octet i.
bool is_short_ipv4(octets::Sixteen some, octets::Bits dots, octets::Bits digits) {
  using octets::Bits, octets::bits_of;
  const Bits last_dot = (dots & (dots - 1)) & ((dots & (dots - 1)) - 1);
  if (last_dot == 0 || (last_dot & (last_dot - 1)) != 0) return false;  // there are not three of them
  const Bits starts = dots << 1 | 1;
  if ((starts & ~digits) != 0) return false;
  const Bits starts_of_two = starts & digits >> 1;
  const Bits starts_of_three = starts_of_two & digits >> 2;
  if (((starts_of_two & bits_of(some == '0')) | (starts_of_three & digits >> 3)) != 0) return false;
  const Bits from_200 = starts_of_three & bits_of(some > '1');
  if (from_200 == 0) return true;  // nearly always
  const Bits from_250 = from_200 & bits_of(some == '5') >> 1;
  const Bits too_large = bits_of(some > '2') | bits_of(some > '5') >> 1 | (from_250 & bits_of(some > '5') >> 2);
  return (from_200 & too_large) == 0;
}

/// Whether the first `length` octets, 1 to 15 of them and all plain(), are a name or an IPv4 address without a dot at
/// its end: nearly every host there is. The rules about labels are rules about where dots and hyphens stand.
bool is_short_host(octets::Sixteen some, int length) {
  using octets::Bits, octets::bits_of;
  const Bits all = (Bits{1} << length) - 1;
  const Bits dots = bits_of(some == '.') & all;
  const Bits digits = bits_of(some - '0' < 10) & all;
  const Bits others = all & ~(digits | dots);
  if (others == 0) return is_short_ipv4(some, dots, digits);
  const Bits label_starts = dots << 1 | 1;
  const Bits label_ends = (dots | (all + 1)) >> 1;
  const Bits hyphens = bits_of(some == '-');
  if (((label_starts | label_ends) & (dots | hyphens)) != 0) return false;
  return others > dots;  // the last label is no number
}

}  // namespace

bool plain::is_host(std::string_view run, std::string_view around) {
  const std::size_t length = run.size();
  if (length == 0) return false;
  if (length < octets::step) {
    const auto readable = static_cast<std::size_t>(around.data() + around.size() - run.data());
    return is_short_host(octets::load_part(run.data(), readable), static_cast<int>(length));
  }
  return run.back() != '.' && long_host_length(run) == length;
}

std::size_t host_length(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '[') {
    const std::size_t length = ipv6_reference_length(text);
    return length != 0 ? length : bracketed_ipv4_length(text);
  }
  const char* const stop = octets::behind_plain(text.data(), text.data() + text.size());
  const auto length = static_cast<std::size_t>(stop - text.data());
  return plain::is_host(text.substr(0, length), text) ? length : long_host_length(text);
}

std::optional<IpAddress> host_address(std::string_view host) {
  if (host.empty() || host[0] != '[') return IpAddress::parse(host);
  const auto extra_colon = host.find(":::");
  if (extra_colon == std::string_view::npos || host_length(host) != host.size()) return IpAddress::parse(host);
  std::array<char, longest_ipv6_reference> corrected;
  char* const stop = std::copy(host.begin(), host.begin() + extra_colon, corrected.data());
  const char* const last = std::copy(host.begin() + extra_colon + 1, host.end(), stop);
  return IpAddress::parse(scan::Cursor::since(corrected.data(), last));
}

}  // namespace bellhop::sip
