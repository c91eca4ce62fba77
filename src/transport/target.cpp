#include "transport/target.hpp"

namespace bellhop::transport {

Result<NextHop, TargetError> next_hop_of(const sip::Uri& uri) {
  if (!uri.is_sip()) return failure(TargetError::not_sip);
  NextHop hop;
  hop.secure = uri.scheme == sip::Scheme::sips;
  hop.port = uri.port;
  std::string_view host = uri.host;
  for (const sip::Parameter parameter : uri.parameter_list()) {
    if (equals_ignore_case(parameter.name, "transport")) {
      hop.transport = sip::transport_from(parameter.value);
      if (!hop.transport) return failure(TargetError::unknown_transport);
    } else if (equals_ignore_case(parameter.name, "maddr") && !parameter.value.empty()) {
      host = parameter.value;
    }
  }
  if (host.empty()) return failure(TargetError::no_host);
  if (uri.has_port && uri.port == 0) return failure(TargetError::no_port);  // not the same as none given (threats 45)
  if (hop.transport && sip::is_secure(*hop.transport)) hop.secure = true;
  // RFC 3261 section 26.2.2: transport=tcp in a sips URI means TLS over TCP.
  if (hop.secure && hop.transport == sip::Transport::tcp) hop.transport = sip::Transport::tls;
  hop.host = host;
  return hop;
}

bool is_sendable(const Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() && !endpoint.address.is_multicast_or_broadcast();
}

}  // namespace bellhop::transport
