#include "proxy/route_token.hpp"

namespace bellhop::proxy {

void RouteTokens::append_record_route(std::string& out, std::string_view sent_by, std::string_view transport_parameter,
                                      std::string_view call_id) const {
  out += "<sip:";
  out += sent_by;
  if (!transport_parameter.empty() && transport_parameter != "udp") {
    out += ";transport=";
    out += transport_parameter;
  }
  out += ";lr;";
  out += parameter;
  out += '=';
  crypto::append_base32(out, crypto::short_mac(key_, call_id));
  out += '>';
}

bool RouteTokens::valid(const sip::Uri& route, std::string_view call_id) const {
  const auto token = route.parameter(parameter);
  if (!token) return false;
  const auto value = crypto::parse_base32(token->value);
  return value && *value == crypto::short_mac(key_, call_id);
}

}  // namespace bellhop::proxy
