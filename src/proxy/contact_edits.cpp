#include "proxy/contact_edits.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "base/text.hpp"

namespace bellhop::proxy {

using sip::HeaderId;

namespace {

constexpr std::string_view alias_parameter = "alias";

/// Kamailio's number for UDP in its alias parameter; 2 to 6 are its other transports. Ours is written for UDP only:
/// over a connection the flow in our Route leads back, and nothing else does.
constexpr char udp_digit = '1';

void append_alias(std::string& out, const net::Flow& flow) {
  fmt::format_to(std::back_inserter(out), FMT_STRING(";{}={}~{}~{}"), alias_parameter,
                 flow.remote.address.to_uri_host(), flow.remote.port, udp_digit);
}

/// scheme:user@HOST, with the host and port of the URI or others.
void append_address(std::string& out, const sip::Uri& uri, const net::Flow* instead) {
  const char* const host = uri.host.data();
  out.append(uri.text.data(), host);
  if (instead != nullptr) {
    out += instead->remote.to_string();
    return;
  }
  out += uri.host;
  if (uri.has_port) fmt::format_to(std::back_inserter(out), FMT_STRING(":{}"), uri.port);
}

/// The URI without the parameters that `drop` names.
template <class Drop>
void append_parameters(std::string& out, const sip::Uri& uri, Drop&& drop) {
  for (const sip::Parameter p : uri.parameter_list()) {
    if (drop(p)) continue;
    out.append(";").append(p.name);
    if (p.has_value) out.append("=").append(p.value);
  }
}

void append_headers(std::string& out, const sip::Uri& uri) {
  if (!uri.headers.empty()) out.append("?").append(uri.headers);
}

std::string edited(const sip::Uri& uri, ContactEdits wanted) {
  if (uri.parameter("gr")) wanted.alias = wanted.fix = nullptr;
  std::string out;
  append_address(out, uri, wanted.fix);
  append_parameters(out, uri, [&](const sip::Parameter& p) {
    if (wanted.drop_maddr && equals_ignore_case(p.name, "maddr")) return true;
    const bool transport = equals_ignore_case(p.name, "transport");
    if (transport && wanted.fix != nullptr) return true;  // stated anew below
    if (transport && wanted.drop_tcp && equals_ignore_case(p.value, "tcp")) return true;
    return (wanted.fix != nullptr || wanted.alias != nullptr) && equals_ignore_case(p.name, alias_parameter);
  });
  if (wanted.fix != nullptr && wanted.fix->is_stream() &&
      !(wanted.drop_tcp && wanted.fix->transport == sip::Transport::tcp))
    out.append(";transport=").append(sip::param_name(wanted.fix->transport));
  if (wanted.alias != nullptr) append_alias(out, *wanted.alias);
  append_headers(out, uri);
  return out;
}

}  // namespace

void edit_contacts(sip::Edits& edits, const sip::Message& message, const ContactEdits& wanted) {
  if (!wanted.any()) return;
  std::string_view instead = wanted.instead;
  message.for_each_value(HeaderId::contact, [&](std::string_view value, const sip::HeaderField&) {
    const auto contact = sip::parse_contact(value);
    if (!contact || contact->star || !contact->address.uri.is_sip()) return true;
    const sip::NameAddr& address = contact->address;
    std::string text = instead.empty() ? edited(address.uri, wanted) : std::string(std::exchange(instead, {}));
    if (!address.angle_brackets) text = "<" + text + ">";  // its parameters would be taken for the header's
    if (text != address.uri.text) edits.replace_part(address.uri.text, text);
    return true;
  });
}

std::optional<sip::Uri> first_sip_contact(const sip::Message& message) {
  std::optional<sip::Uri> found;
  message.for_each_value(HeaderId::contact, [&](std::string_view value, const sip::HeaderField&) {
    const auto contact = sip::parse_contact(value);
    if (contact && !contact->star && contact->address.uri.is_sip()) found = contact->address.uri;
    return !found;
  });
  return found;
}

std::optional<Alias> alias_of(std::string_view text) {
  if (text.find(alias_parameter) == std::string_view::npos) return std::nullopt;  // nearly all: not parsed for this
  const auto uri = sip::parse_uri(text);
  if (!uri || !uri->is_sip()) return std::nullopt;
  const auto alias = uri->parameter(alias_parameter);
  if (!alias) return std::nullopt;
  const auto first = alias->value.find('~'), last = alias->value.rfind('~');
  if (first == std::string_view::npos || first == last || last + 2 != alias->value.size()) return std::nullopt;
  Alias found;
  const auto address = sip::host_address(alias->value.substr(0, first));
  const auto port = parse_decimal(alias->value.substr(first + 1, last - first - 1), 65535);
  const char transport = alias->value[last + 1];
  if (!address || !port || *port == 0 || transport < '1' || transport > '6') return std::nullopt;
  if (transport == udp_digit) found.udp = Endpoint{*address, static_cast<std::uint16_t>(*port)};
  append_address(found.uri, *uri, nullptr);
  append_parameters(found.uri, *uri,
                    [](const sip::Parameter& p) { return equals_ignore_case(p.name, alias_parameter); });
  append_headers(found.uri, *uri);
  return found;
}

void drop_update(sip::Edits& edits, const sip::Message& message) {
  for (const auto* field = message.first(HeaderId::allow); field != nullptr;
       field = message.next(HeaderId::allow, field)) {
    std::string_view list = message.value(*field);
    std::string rest;
    bool found = false;
    while (const auto method = sip::next_in_list(list)) {
      if (sip::method_from(*method) == sip::Method::update) {
        found = true;
        continue;
      }
      if (!rest.empty()) rest += ", ";
      rest += *method;
    }
    if (found && rest.empty())
      edits.remove(*field);
    else if (found)
      edits.replace_value(*field, rest);
  }
}

std::string_view epid_of(std::string_view value) {
  const auto address = sip::parse_name_addr(value);
  if (!address) return {};
  const auto epid = address->parameter("epid");
  return epid && sip::is_token(epid->value) ? epid->value : std::string_view{};
}

void restore_epid(sip::Edits& edits, const sip::Message& message, HeaderId id, std::string_view epid) {
  if (epid.empty() || !epid_of(message.value_of(id)).empty()) return;
  edits.add_parameter_to_first(id, "epid", epid);
}

}  // namespace bellhop::proxy
