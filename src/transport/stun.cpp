#include "transport/stun.hpp"

#include <boost/crc.hpp>
#include <cstdint>
#include <optional>
#include <vector>

namespace bellhop::transport {

namespace {

constexpr std::size_t header_size = 20;
constexpr std::uint32_t magic_cookie = 0x2112A442, fingerprint_mask = 0x5354554E;
constexpr std::uint16_t binding_request = 0x0001, binding_success = 0x0101, binding_error = 0x0111;
constexpr std::uint16_t error_code = 0x0009, unknown_attributes = 0x000A, xor_mapped_address = 0x0020,
                        fingerprint = 0x8028;
constexpr std::size_t most_unknown = 8;  ///< named in a 420

std::uint16_t load16(std::string_view octets, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(octets[at]) << 8 |
                                    static_cast<std::uint8_t>(octets[at + 1]));
}
std::uint32_t load32(std::string_view octets, std::size_t at) {
  return std::uint32_t{load16(octets, at)} << 16 | load16(octets, at + 2);
}
void put16(std::string& out, std::uint32_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}
void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

std::uint32_t fingerprint_of(std::string_view octets) {
  boost::crc_32_type crc;
  crc.process_bytes(octets.data(), octets.size());
  return crc.checksum() ^ fingerprint_mask;
}

/// Attributes that RFC 5389 defines and whose absence of meaning here is no fault.
bool is_known(std::uint16_t type) {
  switch (type) {
    case 0x0001:
    case 0x0006:
    case 0x0008:
    case error_code:
    case unknown_attributes:
    case 0x0014:
    case 0x0015:
    case xor_mapped_address: return true;
    default: return type >= 0x8000;
  }
}

struct Attributes {
  std::vector<std::uint16_t> unknown;
  bool fingerprint = false;
};

/// Nothing when they cannot be read to the end, or the FINGERPRINT is wrong or not the last.
std::optional<Attributes> read_attributes(std::string_view request) {
  Attributes found;
  for (std::size_t at = header_size; at < request.size();) {
    if (found.fingerprint || request.size() - at < 4) return std::nullopt;
    const std::uint16_t type = load16(request, at), size = load16(request, at + 2);
    const std::size_t padded = (std::size_t{size} + 3) & ~std::size_t{3};
    if (request.size() - at - 4 < padded) return std::nullopt;
    if (type == fingerprint) {
      if (size != 4 || load32(request, at + 4) != fingerprint_of(request.substr(0, at))) return std::nullopt;
      found.fingerprint = true;
    } else if (!is_known(type) && found.unknown.size() < most_unknown) {
      found.unknown.push_back(type);
    }
    at += 4 + padded;
  }
  return found;
}

void put_mapped_address(std::string& out, const Endpoint& from, std::string_view request) {
  const bool v6 = from.address.is_v6();
  put16(out, xor_mapped_address);
  put16(out, v6 ? 20 : 8);
  put16(out, v6 ? 2 : 1);
  put16(out, from.port ^ (magic_cookie >> 16));
  const auto& octets = from.address.octets();
  for (std::size_t i = 0; i < (v6 ? 16u : 4u); ++i)  // with the cookie, and for IPv6 the transaction id behind it
    out.push_back(static_cast<char>(octets[i] ^ static_cast<std::uint8_t>(request[4 + i])));
}

void put_unknown(std::string& out, const std::vector<std::uint16_t>& unknown) {
  constexpr std::string_view reason = "Unknown Attribute\0\0\0";  // padded to 20 octets
  put16(out, error_code);
  put16(out, 4 + 17);
  put32(out, 4u << 8 | 20u);
  out.append(reason.data(), 17).append(3, '\0');
  put16(out, unknown_attributes);
  put16(out, static_cast<std::uint32_t>(2 * unknown.size()));
  for (const std::uint16_t type : unknown) put16(out, type);
  if (unknown.size() % 2 != 0) put16(out, 0);
}

}  // namespace

bool is_stun(std::string_view datagram) {
  return datagram.size() >= header_size && (static_cast<std::uint8_t>(datagram[0]) & 0xC0) == 0 &&
         load32(datagram, 4) == magic_cookie && load16(datagram, 2) == datagram.size() - header_size &&
         datagram.size() % 4 == 0;
}

bool answer_stun(std::string_view request, const Endpoint& from, std::string& out) {
  if (!is_stun(request) || load16(request, 0) != binding_request) return false;
  const auto attributes = read_attributes(request);
  if (!attributes) return false;
  std::string body;
  const bool understood = attributes->unknown.empty();
  if (understood)
    put_mapped_address(body, from, request);
  else
    put_unknown(body, attributes->unknown);
  const std::size_t begin = out.size();
  put16(out, understood ? binding_success : binding_error);
  put16(out, static_cast<std::uint32_t>(body.size() + (attributes->fingerprint ? 8 : 0)));
  out.append(request.substr(4, 16));
  out += body;
  if (!attributes->fingerprint) return true;
  const std::uint32_t mark = fingerprint_of(std::string_view(out).substr(begin));
  put16(out, fingerprint);
  put16(out, 4);
  put32(out, mark);
  return true;
}

}  // namespace bellhop::transport
