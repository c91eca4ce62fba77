#include "proxy/route_token.hpp"

#include <array>

namespace bellhop::proxy {

namespace {

constexpr std::size_t digits = 13;  ///< of one 64-bit word in base32

/// The flow as words: transport, family, shard, socket and port; for streams the connection; the peer's address (one word or two).
struct FlowWords {
  std::array<std::uint64_t, 4> word{};
  std::size_t count = 0;
  void add(std::uint64_t value) { word[count++] = value; }
};

std::uint64_t load(const std::uint8_t* octets, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | octets[i];
  return value;
}

FlowWords words_of(const net::Flow& flow) {
  FlowWords words;
  const IpAddress& address = flow.remote.address;
  words.add(std::uint64_t{static_cast<std::uint8_t>(flow.transport)} << 56 | std::uint64_t{address.is_v6()} << 48 |
            std::uint64_t{flow.shard} << 32 | std::uint64_t{flow.socket} << 16 | flow.remote.port);
  if (flow.is_stream()) words.add(std::uint64_t{flow.stream.index} << 32 | flow.stream.generation);
  words.add(load(address.octets().data(), address.is_v6() ? 8 : 4));
  if (address.is_v6()) words.add(load(address.octets().data() + 8, 8));
  return words;
}

std::optional<net::Flow> flow_of(std::string_view text) {
  FlowWords words;
  if (text.size() % digits != 0 || text.size() < 2 * digits || text.size() > 4 * digits) return std::nullopt;
  for (; !text.empty(); text.remove_prefix(digits)) {
    const auto word = crypto::parse_base32(text.substr(0, digits));
    if (!word) return std::nullopt;
    words.add(*word);
  }
  const std::uint64_t head = words.word[0];
  if (head >> 56 > static_cast<std::uint64_t>(sip::Transport::wss)) return std::nullopt;
  net::Flow flow;
  flow.transport = static_cast<sip::Transport>(head >> 56);
  flow.shard = static_cast<std::uint16_t>(head >> 32);
  flow.socket = static_cast<net::SocketId>(head >> 16);
  flow.remote.port = static_cast<std::uint16_t>(head);
  const bool v6 = (head >> 48 & 1) != 0;
  std::size_t next = 1;
  if (words.count != 2u + (flow.is_stream() ? 1u : 0u) + (v6 ? 1u : 0u)) return std::nullopt;
  if (flow.is_stream()) {
    flow.stream.index = static_cast<std::uint32_t>(words.word[next] >> 32);
    flow.stream.generation = static_cast<std::uint32_t>(words.word[next]);
    ++next;
  }
  std::array<std::uint8_t, 16> octets{};
  const std::size_t size = v6 ? 16 : 4;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t of_word = v6 ? 8 : 4;
    octets[i] = static_cast<std::uint8_t>(words.word[next + i / of_word] >> (8 * (of_word - 1 - i % of_word)));
  }
  flow.remote.address = v6 ? IpAddress::v6(octets) : IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
  return flow;
}

}  // namespace

std::uint64_t RouteTokens::token(std::string_view call_id, std::string_view flow) const {
  if (flow.empty()) return crypto::short_mac(key_, call_id);
  std::string text(call_id);
  text += '\n';
  text += flow;
  return crypto::short_mac(key_, text);
}

void RouteTokens::append_record_route(std::string& out, const Value& value, std::string_view call_id) const {
  out += value.secure ? "<sips:" : "<sip:";
  out += value.sent_by;
  if (value.transport != sip::Transport::udp && !(value.secure && value.transport == sip::Transport::tls)) {
    out += ";transport=";
    out += value.transport == sip::Transport::wss ? sip::param_name(sip::Transport::ws) : sip::param_name(value.transport);  // RFC 7118 5.2.3
  }
  std::string flow;
  if (value.flow != nullptr) {
    const FlowWords words = words_of(*value.flow);
    for (std::size_t i = 0; i < words.count; ++i) crypto::append_base32(flow, words.word[i]);
  }
  out += ";lr;";
  out += parameter;
  out += '=';
  crypto::append_base32(out, token(call_id, flow));
  if (!flow.empty()) {
    out += ';';
    out += flow_parameter;
    out += '=';
    out += flow;
  }
  out += '>';
}

RouteTokens::Mark RouteTokens::read(const sip::Uri& route, std::string_view call_id) const {
  const auto shown = route.parameter(parameter);
  if (!shown) return {};
  const auto value = crypto::parse_base32(shown->value);
  const auto flow = route.parameter(flow_parameter);
  const std::string_view flow_text = flow ? flow->value : std::string_view{};
  if (!value || *value != token(call_id, flow_text)) return {};
  return {true, flow_of(flow_text)};
}

}  // namespace bellhop::proxy
