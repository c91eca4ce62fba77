#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bellhop {

/// An IPv4 or IPv6 address without port. IPv4-mapped IPv6 addresses are folded to IPv4 when read from a socket, so
/// that one peer has one address.
class IpAddress {
 public:
  IpAddress() = default;  ///< 0.0.0.0
  [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> octets);
  [[nodiscard]] static IpAddress v6(const std::array<std::uint8_t, 16>& octets);

  /// Dotted quad (four decimal parts, no leading zeros) or RFC 4291 text with or without brackets; no zone, no port.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v6() const { return v6_; }
  [[nodiscard]] const std::array<std::uint8_t, 16>& octets() const { return octets_; }  ///< IPv4 uses the first four
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_multicast_or_broadcast() const;
  /// RFC 1918, RFC 6598 (100.64/10), RFC 3927 link-local, and fc00::/7, fe80::/10.
  [[nodiscard]] bool is_private() const;

  /// Writes the text without brackets; returns where it ends.
  char* write(char* at) const;
  static constexpr std::size_t longest_text = 46;  ///< octets that write() needs

  [[nodiscard]] std::string to_string() const;    ///< without brackets
  [[nodiscard]] std::string to_uri_host() const;  ///< IPv6 in brackets, as in URIs and Via
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
  bool v6_ = false;
};

/// Address and port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "127.0.0.1:5060" or "[::1]:5060"; the port is required.
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  /// Writes that text; returns where it ends.
  char* write(char* at) const;
  static constexpr std::size_t longest_text = IpAddress::longest_text + std::string_view("[]:65535").size();
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// "10.0.0.0/8", "2001:db8::/32", or one address.
class Network {
 public:
  [[nodiscard]] static std::optional<Network> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] unsigned prefix_length() const { return prefix_length_; }
  friend auto operator<=>(const Network&, const Network&) = default;

 private:
  IpAddress base_;
  std::uint8_t prefix_length_ = 0;
};

[[nodiscard]] std::uint64_t hash_of(const Endpoint& endpoint, std::uint64_t seed = 0);
/// Hasher of maps keyed by endpoint; a map that peers can fill is given the seed of the process.
struct EndpointHash {
  using is_avalanching = void;
  std::uint64_t seed = 0;
  std::size_t operator()(const Endpoint& e) const noexcept { return hash_of(e, seed); }
};

}  // namespace bellhop
