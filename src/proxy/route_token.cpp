#include "proxy/route_token.hpp"

#include <array>

#include "base/text.hpp"
#include "crypto/subkey.hpp"
#include "sip/escape.hpp"
#include "sip/values.hpp"

namespace bellhop::proxy {

namespace {

constexpr std::size_t digits = crypto::base32_size;  ///< of one word

/// The flow as words: transport, family, shard, socket and port; for streams the connection; the peer's address (one
/// word or two).
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

RouteTokens::RouteTokens(const crypto::Key& key)
    : dialog_key_(crypto::subkey(key, "dialog")), path_key_(crypto::subkey(key, "path")) {}

std::uint64_t RouteTokens::token(std::string_view call_id, std::string_view flow) const {
  if (flow.empty()) return crypto::short_mac(dialog_key_, call_id);
  std::string text(call_id);
  text += '\n';
  text += flow;
  return crypto::short_mac(dialog_key_, text);
}

namespace {

/// "sip:HOST:PORT;transport=tcp", the user before it when there is one.
void append_address(std::string& out, const RouteTokens::Value& value, std::string_view user = {}) {
  out += value.secure ? "sips:" : "sip:";
  if (!user.empty()) out.append(user).append("@");
  out += value.sent_by;
  if (value.transport == sip::Transport::udp || (value.secure && value.transport == sip::Transport::tls)) return;
  out += ";transport=";
  out += value.transport == sip::Transport::wss ? sip::param_name(sip::Transport::ws)
                                                : sip::param_name(value.transport);  // RFC 7118 5.2.3
}

std::string text_of(const net::Flow& flow) {
  std::string text;
  const FlowWords words = words_of(flow);
  for (std::size_t i = 0; i < words.count; ++i) crypto::append_base32(text, words.word[i]);
  return text;
}

void append_parameter(std::string& out, std::string_view name, std::string_view value) {
  out.append(";").append(name).append("=").append(value);
}

void append_token(std::string& out, std::string_view name, std::uint64_t token) {
  append_parameter(out, name, {});
  crypto::append_base32(out, token);
}

/// What a URI says in parameters of ours: found in one pass, as most URIs have none of them. Of two with one name the
/// first counts.
struct Parameters {
  std::optional<std::string_view> dialog, flow, path, contact, epid;

  explicit Parameters(const sip::Uri& uri) {
    for (std::string_view rest = uri.parameters; !rest.empty();) {  // no URI parameter has quotes
      const auto end = rest.find(';');
      take(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  void take(std::string_view parameter) {
    const bool may_be_ours = parameter.size() > 1 && (lower(parameter[0]) == 'b' || parameter[0] == '%');
    if (!may_be_ours) return;
    const auto equals = parameter.find('=');
    const std::string_view name = parameter.substr(0, equals);
    auto* const place = name.find('%') == std::string_view::npos ? place_of(name) : place_of(sip::unescape(name));
    if (place == nullptr || *place) return;
    *place = equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
  }
  std::optional<std::string_view>* place_of(std::string_view name) {
    if (name.size() != 2 || lower(name[0]) != 'b') return nullptr;
    switch (lower(name[1])) {
      case RouteTokens::parameter[1]: return &dialog;
      case RouteTokens::flow_parameter[1]: return &flow;
      case RouteTokens::path_parameter[1]: return &path;
      case RouteTokens::contact_parameter[1]: return &contact;
      case RouteTokens::epid_parameter[1]: return &epid;
      default: return nullptr;
    }
  }
};

std::optional<std::uint64_t> token_in(const std::optional<std::string_view>& parameter) {
  return parameter ? crypto::parse_base32(*parameter) : std::nullopt;
}

}  // namespace

std::uint64_t RouteTokens::path_token(std::string_view flow, std::string_view contact) const {
  std::string text(flow);
  text.append("\n").append(contact);
  return crypto::short_mac(path_key_, text);
}

void RouteTokens::append_record_route(std::string& out, const Value& value, std::string_view call_id) const {
  const std::string flow = value.flow != nullptr ? text_of(*value.flow) : std::string();
  out += '<';
  append_address(out, value);
  out += ";lr";
  append_token(out, parameter, token(call_id, flow));
  if (!flow.empty()) append_parameter(out, flow_parameter, flow);
  if (!value.epid.empty()) append_parameter(out, epid_parameter, value.epid);
  out += '>';
}

void RouteTokens::append_path(std::string& out, const Value& value, bool first_hop) const {
  const std::string flow = text_of(*value.flow);
  out += '<';
  append_address(out, value);
  out += ";lr";
  if (first_hop) out += ";ob";
  append_token(out, path_parameter, path_token(flow, {}));
  append_parameter(out, flow_parameter, flow);
  out += '>';
}

void RouteTokens::append_contact(std::string& out, const Value& value, const sip::Uri& contact) const {
  const std::string flow = text_of(*value.flow), uri = sip::escape_parameter(contact.text);
  append_address(out, value, contact.user);
  append_token(out, path_parameter, path_token(flow, uri));
  append_parameter(out, flow_parameter, flow);
  append_parameter(out, contact_parameter, uri);
}

std::optional<RouteTokens::Contact> RouteTokens::read_contact(const sip::Uri& uri) const {
  if (uri.parameters.empty()) return std::nullopt;
  const Parameters said(uri);
  if (!said.contact || said.contact->empty()) return std::nullopt;
  const auto shown = token_in(said.path);
  const std::string_view flow_text = said.flow.value_or(std::string_view());
  if (!shown || *shown != path_token(flow_text, *said.contact)) return std::nullopt;
  const auto flow = flow_of(flow_text);
  return flow ? std::optional(Contact{sip::unescape(*said.contact), *flow}) : std::nullopt;
}

RouteTokens::Mark RouteTokens::read(const sip::Uri& route, std::string_view call_id) const {
  if (route.parameters.empty()) return {};
  const Parameters said(route);
  const std::string_view flow_text = said.flow.value_or(std::string_view());
  if (const auto path = token_in(said.path); path && *path == path_token(flow_text, {}))
    return {true, true, flow_of(flow_text), {}};
  const auto value = token_in(said.dialog);
  if (!value || *value != token(call_id, flow_text)) return {};
  const std::string_view epid =  // not covered: it only goes back into a To of the same dialog
      said.epid.value_or(std::string_view());
  return {true, false, flow_of(flow_text), sip::is_token(epid) ? epid : std::string_view{}};
}

}  // namespace bellhop::proxy
