#include "base/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bellhop {

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) {
  IpAddress a;
  std::copy(octets.begin(), octets.end(), a.octets_.begin());
  return a;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& octets) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(mapped.begin(), mapped.end(), octets.begin()))
    return v4({octets[12], octets[13], octets[14], octets[15]});
  IpAddress a;
  a.octets_ = octets;
  a.v6_ = true;
  return a;
}

namespace {

/// Four decimal octets without leading zeros, as inet_pton(3) has it: every message has several, and this is a tenth of
/// its cost.
std::optional<IpAddress> parse_v4(std::string_view text) {
  constexpr unsigned no_digit = 10;
  std::array<std::uint8_t, 4> octets{};
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto digit = [&] { return at == end ? no_digit : static_cast<unsigned>(*at - '0'); };
  for (std::size_t part = 0; part < octets.size(); ++part) {
    if (part != 0 && (at == end || *at++ != '.')) return std::nullopt;
    unsigned number = digit();
    if (number >= no_digit) return std::nullopt;
    ++at;
    for (unsigned next = digit(); next < no_digit; next = digit()) {
      if (number == 0 || (number = number * 10 + next) > 255) return std::nullopt;
      ++at;
    }
    octets[part] = static_cast<std::uint8_t>(number);
  }
  return at == end ? std::optional(IpAddress::v4(octets)) : std::nullopt;
}

/// The octets of an IPv4 address as they are written, each with the dot behind it: every message has some.
struct DottedOctet {
  std::array<char, 4> text{};
  std::uint8_t digits = 0;
};
constexpr auto dotted_octets = [] {
  std::array<DottedOctet, 256> all{};
  for (unsigned octet = 0; octet < all.size(); ++octet) {
    DottedOctet& dotted = all[octet];
    if (octet >= 100) dotted.text[dotted.digits++] = static_cast<char>('0' + octet / 100);
    if (octet >= 10) dotted.text[dotted.digits++] = static_cast<char>('0' + octet / 10 % 10);
    dotted.text[dotted.digits++] = static_cast<char>('0' + octet % 10);
    dotted.text[dotted.digits] = '.';
  }
  return all;
}();

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  }
  if (const auto v4 = parse_v4(text)) return v4;
  if (text.find(':') == std::string_view::npos) return std::nullopt;
  char terminated[INET6_ADDRSTRLEN + 1];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  std::array<std::uint8_t, 16> octets;
  if (inet_pton(AF_INET6, terminated, octets.data()) != 1) return std::nullopt;
  return v6(octets);
}

bool IpAddress::is_unspecified() const {
  return std::all_of(octets_.begin(), octets_.end(), [](std::uint8_t o) { return o == 0; });
}

bool IpAddress::is_loopback() const {
  if (!v6_) return octets_[0] == 127;
  return std::all_of(octets_.begin(), octets_.end() - 1, [](std::uint8_t o) { return o == 0; }) && octets_[15] == 1;
}

bool IpAddress::is_multicast_or_broadcast() const {
  if (v6_) return octets_[0] == 0xff;
  return octets_[0] >= 224 &&
         (octets_[0] < 240 || (octets_[0] == 255 && octets_[1] == 255 && octets_[2] == 255 && octets_[3] == 255));
}

bool IpAddress::is_private() const {
  const auto& o = octets_;
  if (v6_) return (o[0] & 0xfe) == 0xfc || (o[0] == 0xfe && (o[1] & 0xc0) == 0x80);
  return o[0] == 10 || (o[0] == 172 && (o[1] & 0xf0) == 16) || (o[0] == 192 && o[1] == 168) ||
         (o[0] == 100 && (o[1] & 0xc0) == 64) || (o[0] == 169 && o[1] == 254);
}

char* IpAddress::write(char* at) const {
  static_assert(longest_text >= INET6_ADDRSTRLEN);
  if (v6_) return at + std::strlen(inet_ntop(AF_INET6, octets_.data(), at, longest_text));
  for (std::size_t i = 0; i < 4; ++i) {
    const DottedOctet& dotted = dotted_octets[octets_[i]];
    std::memcpy(at, dotted.text.data(), dotted.text.size());
    at += dotted.digits + 1;
  }
  return at - 1;
}

std::string IpAddress::to_string() const {
  char text[longest_text];
  return std::string(text, write(text));
}

std::string IpAddress::to_uri_host() const {
  return v6_ ? "[" + to_string() + "]" : to_string();
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos && host.front() != '[') return std::nullopt;
  const auto address = IpAddress::parse(host);
  const auto port = parse_decimal(text.substr(colon + 1), 65535);
  if (!address || !port) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

char* Endpoint::write(char* at) const {
  if (address.is_v6()) *at++ = '[';
  at = address.write(at);
  if (address.is_v6()) *at++ = ']';
  *at++ = ':';
  return std::to_chars(at, at + 5, port).ptr;
}

std::string Endpoint::to_string() const {
  char text[longest_text];
  return std::string(text, write(text));
}

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network n;
  n.base_ = *address;
  const std::uint64_t widest = address->is_v6() ? 128 : 32;
  const auto length =
      slash == std::string_view::npos ? std::optional(widest) : parse_decimal(text.substr(slash + 1), widest);
  if (!length) return std::nullopt;
  n.prefix_length_ = static_cast<std::uint8_t>(*length);
  return n;
}

namespace {

/// Of an IPv4 address, the first octet the highest.
std::uint32_t number_of(const IpAddress& address) {
  const auto& octets = address.octets();
  return std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 | std::uint32_t{octets[2]} << 8 | octets[3];
}

}  // namespace

bool Network::contains(const IpAddress& address) const {
  if (address.is_v6() != base_.is_v6()) return false;
  if (!base_.is_v6()) return (std::uint64_t{number_of(address) ^ number_of(base_)} >> (32 - prefix_length_)) == 0;
  const std::size_t whole = prefix_length_ / 8u;
  if (std::memcmp(address.octets().data(), base_.octets().data(), whole) != 0) return false;
  const unsigned rest = prefix_length_ % 8u;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00u >> rest);
  return (address.octets()[whole] & mask) == (base_.octets()[whole] & mask);
}

std::string Network::to_string() const {
  return fmt::format("{}/{}", base_.to_string(), prefix_length_);
}

std::uint64_t hash_of(const Endpoint& endpoint, std::uint64_t seed) {
  char bytes[19];
  std::memcpy(bytes, endpoint.address.octets().data(), 16);
  std::memcpy(bytes + 16, &endpoint.port, 2);
  bytes[18] = endpoint.address.is_v6() ? 1 : 0;
  return hash64({bytes, sizeof bytes}, seed);
}

}  // namespace bellhop
