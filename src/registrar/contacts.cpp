#include "registrar/contacts.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "sip/uri.hpp"

namespace bellhop::registrar {

namespace {

/// Contact parameters that are the registrar's to say, or kept in fields of their own.
bool is_ours(std::string_view name) {
  static constexpr std::array<std::string_view, 6> names{"expires",  "q",         "received",
                                                         "pub-gruu", "temp-gruu", "temp-gruu-cookie"};
  return std::ranges::any_of(
      names, [name](std::string_view ours) { return name.size() == ours.size() && equals_ignore_case(name, ours); });
}

bool unreachable(const std::optional<IpAddress>& address) {
  return address && (address->is_multicast_or_broadcast() || address->is_unspecified());
}

void assign_unfolded(std::string& out, std::string_view text) {
  out.clear();
  append_unfolded(out, text);
}

}  // namespace

void append_unfolded(std::string& out, std::string_view text) {
  if (text.find('\n') == std::string_view::npos && text.find('\r') == std::string_view::npos) {
    out.append(text);
    return;
  }
  for (const char c : text) {
    if (c == '\r') continue;
    if (c == '\n' || c == '\t') {
      out.push_back(' ');
    } else {
      out.push_back(c);
    }
  }
}

std::optional<std::uint32_t> expires_field(const sip::Message& request) {
  const sip::HeaderField* field = request.first(sip::HeaderId::expires);
  if (field == nullptr) return std::nullopt;
  const std::string_view text = request.value(*field);
  if (const auto number = parse_decimal(text, UINT32_MAX)) return static_cast<std::uint32_t>(*number);
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  return digits ? UINT32_MAX : 3600;
}

Interval interval_of(const sip::Contact& contact, std::optional<std::uint32_t> field,
                     const config::Registrar& settings) {
  const auto in_seconds = [](Duration d) { return static_cast<std::uint32_t>(d / seconds(1)); };
  const auto asked = contact.expires ? contact.expires : field;
  const std::uint32_t wanted = asked.value_or(in_seconds(settings.default_expires));
  const bool too_brief = asked && wanted > 0 && wanted < 3600 && wanted < in_seconds(settings.min_expires);
  return {std::min(wanted, in_seconds(settings.max_expires)), too_brief};
}

const char* unusable(const sip::Uri& contact, const std::optional<IpAddress>& address,
                     const config::Registrar& settings) {
  if (contact.text.size() > settings.contact_max_size) return "Contact Too Long";
  if (!contact.is_sip()) return nullptr;
  if (contact.has_port && contact.port == 0) return "Contact At Port 0";
  const auto maddr = contact.parameters.empty() ? std::nullopt : contact.parameter("maddr");
  if (unreachable(address) || (maddr && unreachable(sip::host_address(maddr->value)))) return "Contact Not Usable";
  return nullptr;
}

namespace {

std::uint32_t read_methods(const sip::Message& request) {
  const auto bit = [](sip::Method method) { return std::uint32_t{1} << static_cast<unsigned>(method); };
  std::uint32_t methods = bit(sip::Method::other);
  request.for_each_value(sip::HeaderId::allow, [&](std::string_view token, const sip::HeaderField&) {
    methods |= bit(sip::method_from(token));
    return true;
  });
  if ((methods & bit(sip::Method::invite)) != 0) methods |= bit(sip::Method::ack) | bit(sip::Method::cancel);
  return methods;
}

}  // namespace

std::uint32_t AllowReader::methods_of(const sip::Message& request, const config::Registrar& settings) {
  const sip::HeaderField* field = settings.method_filtering ? request.first(sip::HeaderId::allow) : nullptr;
  if (field == nullptr) return location::Binding::all_methods;
  const std::string_view text = request.value(*field);
  if (text.size() > longest_known || request.next(sip::HeaderId::allow, field) != nullptr) return read_methods(request);
  Known& known = known_[text.size() % known_.size()];
  if (known.methods == 0 || known.text != text) {
    known.text = text;
    known.methods = read_methods(request);
  }
  return known.methods;
}

void read_contact(const sip::Contact& contact, const config::Registrar& settings, location::Binding& out) {
  out.contact = contact.address.uri.text;
  out.q = contact.q.value_or(settings.default_q);
  out.contact_parameters.clear();
  out.instance.clear();
  out.reg_id = 0;
  for (const sip::Parameter parameter : contact.address.parameter_list()) {
    if (is_ours(parameter.name)) continue;
    out.contact_parameters += ';';
    out.contact_parameters += parameter.name;
    if (!parameter.has_value) continue;
    out.contact_parameters += '=';
    append_unfolded(out.contact_parameters, parameter.value);
    if (equals_ignore_case(parameter.name, "+sip.instance")) {
      assign_unfolded(out.instance, parameter.value);
      if (out.instance.starts_with('"')) out.instance = sip::unquote(out.instance);
    } else if (equals_ignore_case(parameter.name, "reg-id")) {
      out.reg_id = static_cast<std::uint32_t>(parse_decimal(parameter.value, 0x7fffffff).value_or(0));
    }
  }
}

bool read_path(const sip::Message& request, std::string& out) {
  bool good = true;
  request.for_each_value(sip::HeaderId::path, [&](std::string_view value, const sip::HeaderField&) {
    const auto route = sip::parse_name_addr(value);
    good = route && route->angle_brackets && route->uri.is_sip();
    if (!out.empty()) out += ", ";
    append_unfolded(out, value);
    return good;
  });
  return good;
}

}  // namespace bellhop::registrar
