#include "location/octets.hpp"

#include <algorithm>
#include <array>

namespace bellhop::location {

namespace {

// The first octet: transport, and what follows.
constexpr std::uint8_t transport_mask = 0x07, stream_bit = 0x08, local_v6_bit = 0x10, remote_v6_bit = 0x20;

Endpoint read_endpoint(Reader& in, bool v6) {
  std::array<std::uint8_t, 16> octets{};
  const std::string_view raw = in.take(v6 ? 16 : 4);
  std::copy(raw.begin(), raw.end(), octets.begin());
  const IpAddress address = v6 ? IpAddress::v6(octets) : IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
  return {address, in.number<std::uint16_t>()};
}

static_assert(static_cast<unsigned>(net::Transport::udp) == 0);

/// What most flows are: IPv4 over UDP, whose first octet is 0.
constexpr std::size_t plain_size = 1 + sizeof(net::SocketId) + 2 * (4 + sizeof(std::uint16_t));

net::Flow plain_flow(std::string_view octets) {
  const char* at = octets.data() + 1;
  const auto take = [&at](auto& value) {
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
  };
  net::Flow flow;
  take(flow.socket);
  for (Endpoint* endpoint : {&flow.local, &flow.remote}) {
    std::array<std::uint8_t, 4> address;
    take(address);
    take(endpoint->port);
    endpoint->address = IpAddress::v4(address);
  }
  return flow;
}

}  // namespace

void FlowOctets::add(const Endpoint& endpoint) {
  const std::array<std::uint8_t, 16>& octets = endpoint.address.octets();
  if (endpoint.address.is_v6())
    add(octets);
  else
    add(std::array<std::uint8_t, 4>{octets[0], octets[1], octets[2], octets[3]});
  add(endpoint.port);
}

FlowOctets::FlowOctets(const net::Flow& flow) {
  const auto first = static_cast<std::uint8_t>(
      static_cast<unsigned>(flow.transport) | (flow.stream.valid() ? stream_bit : 0u) |
      (flow.local.address.is_v6() ? local_v6_bit : 0u) | (flow.remote.address.is_v6() ? remote_v6_bit : 0u));
  add(first);
  add(flow.socket);
  if (flow.stream.valid()) {
    add(flow.shard);
    add(std::uint64_t{flow.stream.packed()});
  }
  add(flow.local);
  add(flow.remote);
}

std::optional<net::Flow> FlowOctets::decode(std::string_view octets) {
  if (octets.size() == plain_size && octets.front() == 0) return plain_flow(octets);
  Reader in(octets);
  const auto first = in.number<std::uint8_t>();
  if ((first & transport_mask) > static_cast<unsigned>(net::Transport::wss)) return std::nullopt;
  net::Flow flow;
  flow.transport = static_cast<net::Transport>(first & transport_mask);
  flow.socket = in.number<net::SocketId>();
  if ((first & stream_bit) != 0) {
    flow.shard = in.number<std::uint16_t>();
    flow.stream = net::StreamId::unpack(in.number<std::uint64_t>());
  }
  flow.local = read_endpoint(in, (first & local_v6_bit) != 0);
  flow.remote = read_endpoint(in, (first & remote_v6_bit) != 0);
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return flow;
}

}  // namespace bellhop::location
