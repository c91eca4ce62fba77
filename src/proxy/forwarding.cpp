#include "proxy/forwarding.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "proxy/usual_form.hpp"

namespace bellhop::proxy {

using sip::HeaderId;

namespace {

/// The Route values that stay: those behind ours, without the last when it became the target.
struct RouteView {
  std::string_view first;  ///< first value that stays; empty: none
  std::size_t total = 0;
  std::size_t from_top = 0;  ///< how many go
  bool last = false;         ///< so does the last one

  [[nodiscard]] std::size_t dropped() const { return from_top + (last ? 1u : 0u); }
};

RouteView remaining_routes(const sip::Message& request, const ForwardFacts& facts) {
  RouteView view{.first = {}, .total = 0, .from_top = facts.own_routes, .last = facts.drop_last_route};
  if (facts.no_route_stays) {
    view.total = view.dropped();
    return view;
  }
  request.for_each_value(HeaderId::route, [&](std::string_view value, const sip::HeaderField&) {
    if (view.total == view.from_top) view.first = value;
    ++view.total;
    return true;
  });
  if (view.total <= view.dropped()) view.first = {};
  return view;
}

std::string_view uri_of(std::string_view route_value) {
  const auto parsed = sip::parse_name_addr(route_value);
  return parsed ? parsed->uri.text : std::string_view{};
}

bool is_loose(std::string_view uri_text) {
  const auto uri = sip::parse_uri(uri_text);
  return uri && uri->parameter("lr").has_value();
}

/// A Request-URI has neither headers nor a method parameter (RFC 3261 section 19.1.1), whoever wrote them there: the
/// caller (RFC 4475 section 3.1.2.11) or the callee in its Contact. Without them; `buffer` is used when there are any.
std::string_view as_request_uri(std::string_view text, std::string& buffer) {
  if (text.find(';') == std::string_view::npos && text.find('?') == std::string_view::npos) return text;
  bool suspicious = false;  // nearly all pass here, unparsed
  for (std::size_t i = 0; i < text.size() && !suspicious; ++i)
    suspicious =
        text[i] == '?' || (text[i] == ';' && i + 1 < text.size() && (lower(text[i + 1]) == 'm' || text[i + 1] == '%'));
  if (!suspicious) return text;
  const auto uri = sip::parse_uri(text);
  if (!uri || !uri->is_sip()) return text;
  const auto method = uri->parameter("method");
  if (uri->headers.empty() && !method) return text;
  const std::string_view behind = uri->parameters.empty() ? uri->headers : uri->parameters;
  buffer.assign(text.data(), behind.data() - 1);
  for (const sip::Parameter p : uri->parameter_list()) {
    if (method && p.name.data() == method->name.data()) continue;
    buffer.append(";").append(p.name);
    if (p.has_value) buffer.append("=").append(p.value);
  }
  return buffer;
}

/// Cuts the own Route values off; all lines are rewritten only when a line holds values of both kinds.
void edit_routes(sip::Edits& edits, const sip::Message& request, const RouteView& view, std::string_view routes,
                 std::string_view append) {
  if (view.dropped() == 0 && append.empty()) {
    if (!routes.empty()) edits.insert_above_first(HeaderId::route, routes);
    return;
  }
  if (view.total <= view.dropped() && routes.empty() && append.empty()) return edits.remove_all(HeaderId::route);
  std::string rest(routes);
  std::size_t index = 0;
  request.for_each_value(HeaderId::route, [&](std::string_view value, const sip::HeaderField&) {
    const bool last_dropped = view.last && index + 1 == view.total;
    if (index++ >= view.from_top && !last_dropped) {
      if (!rest.empty()) rest += ", ";
      rest += value;
    }
    return true;
  });
  if (!append.empty()) {
    if (!rest.empty()) rest += ", ";
    rest += append;
  }
  if (const sip::HeaderField* first = request.first(HeaderId::route); first != nullptr && !rest.empty()) {
    edits.replace_value(*first, rest);
    for (const auto* next = request.next(HeaderId::route, first); next != nullptr;
         next = request.next(HeaderId::route, next))
      edits.remove(*next);
  } else {
    edits.remove_all(HeaderId::route);
    if (!rest.empty()) edits.insert_above_first(HeaderId::route, rest);
  }
}

void consume_credentials(sip::Edits& edits, const sip::Message& request, const ForwardFacts& facts) {
  if (facts.consumed_realm.empty()) return;
  for (const HeaderId id : {HeaderId::proxy_authorization, HeaderId::authorization}) {
    for (const auto* field = request.first(id); field != nullptr; field = request.next(id, field)) {
      if (is_consumed(request, *field, facts)) edits.remove(*field);
    }
  }
}

void remove(sip::Edits& edits, const sip::Message& message, HeaderId id) {
  if (message.has(id)) edits.remove_all(id);
}

/// RFC 3325 section 5: what a peer asserts is believed, everybody else's word is taken out, and an authenticated user's
/// own identity is put in. Section 7: who wants it kept private is shown to peers only.
void assert_identity(sip::Edits& edits, const sip::Message& request, const ForwardFacts& facts, bool to_peer) {
  const bool hidden = !to_peer && wants_privacy(request) && !facts.from_stranger;
  if (!facts.from_peer || hidden) {
    remove(edits, request, HeaderId::p_asserted_identity);
    remove(edits, request, HeaderId::remote_party_id);
  }
  if (facts.from_stranger) remove(edits, request, HeaderId::privacy);
  if (facts.identity.empty()) return;
  remove(edits, request, HeaderId::p_preferred_identity);
  if (!hidden) edits.append(HeaderId::p_asserted_identity, fmt::format("<sip:{}>", facts.identity));
}

std::string_view number_text(std::array<char, 12>& buffer, std::uint32_t value) {
  const char* const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

std::string_view next_hop_of(const RouteView& remaining, std::string_view request_uri, std::string_view routes) {
  if (!routes.empty()) {
    std::string_view list = routes;
    if (const auto first = sip::next_in_list(list)) return uri_of(*first);
  }
  return remaining.first.empty() ? request_uri : uri_of(remaining.first);
}

/// The client's Via as RFC 3261 section 18.2.1 and RFC 3581 want it.
void mark_top_via(sip::Edits& edits, const sip::Via& top, std::string_view facts) {
  fmt::memory_buffer marked;
  for (const sip::Parameter p : sip::ParameterList(top.parameters)) {
    if (equals_ignore_case(p.name, "received") || equals_ignore_case(p.name, "rport")) continue;
    marked.push_back(';');
    marked.append(p.name);
    if (p.has_value) {
      marked.push_back('=');
      marked.append(p.value);
    }
  }
  marked.append(facts);
  const std::string_view text(marked.data(), marked.size());
  if (top.parameters.empty()) return edits.add_parameter_to_first(HeaderId::via, text.substr(1), {}, false);
  const char* const from = top.parameters.data() - 1;  // with its ';'
  edits.replace_part({from, static_cast<std::size_t>(top.parameters.data() + top.parameters.size() - from)}, text);
}

}  // namespace

bool is_consumed(const sip::Message& request, const sip::HeaderField& field, const ForwardFacts& facts) {
  if (facts.consumed_realm.empty()) return false;
  const auto credentials = sip::parse_auth(request.value(field));
  return credentials && equals_ignore_case(credentials->value("realm"), facts.consumed_realm);
}

bool wants_privacy(const sip::Message& message) {
  for (const auto* field = message.first(HeaderId::privacy); field != nullptr;
       field = message.next(HeaderId::privacy, field)) {
    std::string_view values = message.value(*field);  // priv-values have ";" between them (RFC 3323 section 4.2)
    for (bool more = true; more;) {
      const auto end = values.find(';');
      if (equals_ignore_case(trim(values.substr(0, end)), "id")) return true;
      more = end != std::string_view::npos;
      if (more) values.remove_prefix(end + 1);
    }
  }
  return false;
}

void strip_assertions(sip::Edits& edits, const sip::Message& response, bool from_peer, bool to_peer) {
  if (from_peer && (to_peer || !wants_privacy(response))) return;
  remove(edits, response, HeaderId::p_asserted_identity);
  remove(edits, response, HeaderId::remote_party_id);
}

std::string_view next_hop_uri(const sip::Message& request, const ForwardFacts& facts, std::string_view request_uri,
                              std::string_view routes) {
  return next_hop_of(remaining_routes(request, facts), request_uri, routes);
}

void state_length(sip::Edits& edits, const sip::Message& message) {
  if (message.has(HeaderId::content_length)) return;
  std::array<char, 12> buffer;
  edits.append(HeaderId::content_length, number_text(buffer, static_cast<std::uint32_t>(message.body().size())));
}

void build_forwarded(std::string& out, sip::Edits& edits, const sip::Message& request, const ForwardFacts& facts,
                     const Copy& copy, sip::FieldNames names) {
  const RouteView remaining = remaining_routes(request, facts);
  if (names == sip::FieldNames::as_received && copy.routes.empty() && remaining.total <= remaining.dropped()) {
    std::string target_buffer;
    const UsualForm form(request, facts, copy, as_request_uri(copy.request_uri, target_buffer));
    if (form.fits_otherwise()) return form.write(out);
  }
  build_by_edits(out, edits, request, facts, copy, names);
}

void build_by_edits(std::string& out, sip::Edits& edits, const sip::Message& request, const ForwardFacts& facts,
                    const Copy& copy, sip::FieldNames names) {
  edits.start(request);
  std::string target_buffer, hop_buffer;
  const std::string_view request_uri = as_request_uri(copy.request_uri, target_buffer);
  std::string_view routes = copy.routes;
  std::string strict_target;  // RFC 3261 section 16.6 item 6: a strict router wants its URI as Request-URI
  std::string_view new_uri = request_uri;
  RouteView remaining = remaining_routes(request, facts);
  const std::string_view hop = next_hop_of(remaining, request_uri, routes);
  if (hop.data() != request_uri.data() && !is_loose(hop)) {
    strict_target = fmt::format("<{}>", request_uri);
    new_uri = as_request_uri(hop, hop_buffer);
    if (!routes.empty()) {
      std::string_view list = routes;
      (void)sip::next_in_list(list);
      routes = trim(list);
    } else {
      ++remaining.from_top;
    }
  }
  if (new_uri != request.request_uri_text()) edits.set_request_uri(new_uri);

  edits.insert_above_first(HeaderId::via, copy.via);
  if (!copy.via_facts.empty()) mark_top_via(edits, request.top_via(), copy.via_facts);
  if (!copy.record_route.empty()) edits.insert_above_first(HeaderId::record_route, copy.record_route);
  if (!copy.path.empty()) edits.insert_above_first(HeaderId::path, copy.path);
  edit_routes(edits, request, remaining, routes, strict_target);
  std::array<char, 12> buffer;
  edits.set(HeaderId::max_forwards, number_text(buffer, facts.max_forwards));
  edits.set(HeaderId::max_breadth, number_text(buffer, facts.max_breadth));
  consume_credentials(edits, request, facts);
  if (facts.assert_identity) assert_identity(edits, request, facts, copy.to_peer);
  edit_contacts(edits, request, copy.contacts);
  if ((facts.sender & config::Workaround::bad_update) != 0) drop_update(edits, request);
  if (!facts.epid.empty()) restore_epid(edits, request, HeaderId::to, facts.epid);
  state_length(edits, request);
  edits.write(out, names);
}

std::uint64_t loop_value(const sip::Message& request, std::uint64_t seed) {
  std::uint64_t value = hash64(request.request_uri_text(), seed);
  const auto mix = [&](std::string_view part) { value = hash64(part, value); };
  mix(request.call_id());
  mix(request.from_tag());
  mix(request.to_tag());
  for (const HeaderId id : {HeaderId::route, HeaderId::proxy_require, HeaderId::proxy_authorization})
    for (const auto* field = request.first(id); field != nullptr; field = request.next(id, field))
      mix(request.value(*field));
  return value ^ request.cseq().number;
}

}  // namespace bellhop::proxy
