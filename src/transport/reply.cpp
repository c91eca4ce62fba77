#include "transport/reply.hpp"

#include <array>
#include <charconv>

#include "base/copy_octets.hpp"

namespace bellhop::transport {

void append_via_facts(std::string& out, const sip::Via& via, const net::Flow& from) {
  std::array<char, IpAddress::longest_text> address;
  const std::string_view source(address.data(), from.remote.address.write(address.data()));
  // Most often the sent-by is the very text of the address.
  const auto differs = [&] { return via.host != source && IpAddress::parse(via.host) != from.remote.address; };
  if (!via.has_rport && via.received.empty() && !differs()) return;
  std::array<char, 96> text;
  char* at = text.data();
  const auto put = [&at](std::string_view part) { at = copy_octets(part, at); };
  put(";received=");
  put(source);  // RFC 5118 section 4.5: an IPv6 address without brackets
  if (via.has_rport) {
    put(";rport=");
    at = std::to_chars(at, text.data() + text.size(), from.remote.port).ptr;
  }
  out.append(text.data(), at);
}

net::Flow reply_flow(const sip::Via& via, const net::Flow& from) {
  net::Flow to = from;
  if (from.is_stream() || via.has_rport) return to;
  to.remote.port = via.port != 0 ? via.port : sip::default_port(from.transport);
  return to;
}

Target target_of_via(const sip::Via& via, sip::Transport transport, const IpAddress& address) {
  const std::uint16_t port = via.port != 0 ? via.port : sip::default_port(transport);
  Target target{transport, {address, port}, true, {}};
  const auto literal = sip::host_address(via.host);
  if (sip::is_secure(transport)) target.server_name = literal ? literal->to_string() : std::string(via.host);
  return target;
}

}  // namespace bellhop::transport
