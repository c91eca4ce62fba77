#include "registrar/registrar.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "registrar/contacts.hpp"
#include "registrar/reply.hpp"
#include "transport/nat.hpp"

namespace bellhop::registrar {

using sip::HeaderId;

/// One request and everything it came with.
struct Registrar::Work {
  const sip::Message& request;
  const net::Flow& from;
  std::string_view aor;
  const config::Snapshot& settings;
  unsigned lane;
  TimePoint now;
  config::Workarounds sender;

  [[nodiscard]] const config::Registrar& rules() const { return settings.registrar; }
  [[nodiscard]] bool path_wanted() const { return rules().path != config::PathMode::off; }
  [[nodiscard]] bool client_knows(std::string_view option) const {
    return request.has_token(HeaderId::supported, option) || request.has_token(HeaderId::require, option);
  }
  [[nodiscard]] bool client_knows_path() const { return client_knows("path"); }
  /// A name under which this address-of-record is known here.
  [[nodiscard]] std::string domain() const {
    if (const auto at = aor.rfind('@'); at != std::string_view::npos) return std::string(aor.substr(at + 1));
    const sip::Uri& to = request.to().uri;
    return to.host.empty() && !settings.domains.empty() ? settings.domains.front().name : std::string(to.host);
  }
  /// RFC 5626 section 6: the phone's own flow ends here, or where the first proxy says it keeps it.
  [[nodiscard]] bool flow_known(std::string_view path) const {
    if (request.via_count() == 1) return true;
    const auto first = sip::next_in_list(path);
    const auto route = first ? sip::parse_name_addr(*first) : failure(sip::ValueError::malformed);
    return route && route->uri.parameter("ob");
  }
};

namespace {

Registrar::Reply refusal(sip::StatusCode status, const char* reason, std::string headers = {}) {
  return {status, reason, std::move(headers)};
}

/// Extensions the request requires and we do not have (RFC 3261 section 8.2.2.3), as a list; empty when none.
std::string unsupported_of(const sip::Message& request, const config::Registrar& rules) {
  std::string list;
  request.for_each_value(HeaderId::require, [&](std::string_view tag, const sip::HeaderField&) {
    if (rules.path != config::PathMode::off && equals_ignore_case(tag, "path")) return true;
    if (rules.outbound && equals_ignore_case(tag, "outbound")) return true;
    if (rules.gruu && equals_ignore_case(tag, "gruu")) return true;
    if (!list.empty()) list += ", ";
    append_unfolded(list, tag);
    return true;
  });
  return list;
}

/// A registrar reads no bodies, and says so where handling is required, or not said (RFC 3261 sections 8.2.3
/// and 20.11). One departure, on purpose: a body without any Content-Disposition is passed over, for phones that add a
/// body to REGISTER never have one.
bool insists_on_body(const sip::Message& request) {
  if (request.body().empty() || !request.has(HeaderId::content_disposition)) return false;
  const std::string_view disposition = request.value_of(HeaderId::content_disposition);
  const auto semicolon = disposition.find(';');
  if (semicolon == std::string_view::npos) return true;
  const auto handling = sip::ParameterList(disposition.substr(semicolon + 1)).find("handling");
  return !handling || equals_ignore_case(handling->value, "required");
}

}  // namespace

Registrar::Registrar(location::Table& table, observe::Metrics& metrics, const crypto::Key& key)
    : table_(table),
      accepted_(metrics.counter("registrar.accepted")),
      rejected_(metrics.counter("registrar.rejected")),
      gruus_(key) {}

const Registrar::Reply& Registrar::on_register(const sip::Message& request, const net::Flow& from, std::string_view aor,
                                               const config::Snapshot& settings, unsigned lane, TimePoint now,
                                               observe::DecisionRecord& decision, config::Workarounds sender) {
  const Work work{request, from, aor, settings, lane, now, sender};
  headers_.swap(reply_.headers);
  reply_ = process(work);
  if (reply_.status.success()) {
    accepted_.add();
    const fmt::format_int count(bindings_.size());
    decision.note(observe::Step::registrar, "accepted", {count.data(), count.size()});
    return reply_;
  }
  rejected_.add();
  decision.note(observe::Step::registrar, "refused", reply_.reason);
  const auto retry_after = settings.registrar.retry_after / seconds(1);
  if (reply_.status.class_of() == 5 && retry_after > 0)
    reply_.headers += fmt::format("Retry-After: {}\r\n", retry_after);
  return reply_;
}

Registrar::Reply Registrar::process(const Work& work) {
  bindings_.clear();  // of the REGISTER before; they may refer to its changes_
  if (work.request.has(HeaderId::require)) {
    const std::string unsupported = unsupported_of(work.request, work.rules());
    if (!unsupported.empty()) return refusal(420, "Bad Extension", fmt::format("Unsupported: {}\r\n", unsupported));
  }
  if (insists_on_body(work.request)) return refusal(415, "Unsupported Media Type", "Accept:\r\n");
  path_.clear();
  flow_kept_ = false;
  if (work.path_wanted() && work.request.has(HeaderId::path)) {
    if (work.rules().path == config::PathMode::strict && !work.client_knows_path())
      return refusal(420, "Bad Extension", "Unsupported: path\r\n");
    if (!read_path(work.request, path_)) return refusal(400, "Bad Path");
  }
  if (!work.request.has(HeaderId::contact)) {
    table_.find(work.aor, work.now, bindings_);
    return accept(work);
  }
  return change(work);
}

Registrar::Reply Registrar::change(const Work& work) {
  const auto expires = expires_field(work.request);
  const std::uint32_t methods = allow_.methods_of(work.request, work.rules());
  std::size_t values = 0, used = 0, put = 0;
  bool star = false, by_flow = false;
  Reply refused;
  work.request.for_each_value(HeaderId::contact, [&](std::string_view value, const sip::HeaderField&) {
    ++values;
    const auto contact = sip::parse_contact(value);
    if (!contact) {
      refused = refusal(400, "Bad Contact");
    } else if (contact->star) {
      star = true;
    } else if (used == 2 * work.rules().max_contacts + 2) {  // all stored ones may be exchanged in one request
      refused = refusal(503, "Too Many Contacts");
    } else {
      if (used == changes_.size()) changes_.emplace_back();
      location::Change& next = changes_[used++];
      refused = read_change(work, *contact, expires, next);
      next.binding.methods = methods;
      if (next.kind == location::Change::Kind::put) {
        ++put;
        by_flow = by_flow || next.binding.reg_id != 0;
      }
    }
    return refused.status.success();
  });
  if (!refused.status.success()) return refused;
  if (star) {
    if (values != 1 || expires != 0u) return refusal(400, "Contact \"*\" Needs Expires 0 And No Other Contact");
    return remove_all(work);
  }
  if (by_flow && put > 1) return refusal(400, "One Flow, One Contact");  // RFC 5626 section 6
  flow_kept_ = by_flow;
  const location::UpdateLimits limits{.max_contacts = work.rules().max_contacts};
  const auto updated = table_.update(work.aor, {changes_.data(), used}, limits, work.lane, work.now, bindings_);
  return updated ? accept(work) : refuse_update(updated.error());
}

Registrar::Reply Registrar::read_change(const Work& work, const sip::Contact& contact,
                                        std::optional<std::uint32_t> expires, location::Change& out) {
  const sip::Uri& uri = contact.address.uri;
  const auto address = uri.is_sip() ? sip::host_address(uri.host) : std::nullopt;
  if (const char* why = unusable(uri, address, work.rules())) return refusal(400, why);
  const Interval interval = interval_of(contact, expires, work.rules());
  if (interval.too_brief)
    return refusal(423, "Interval Too Brief",
                   fmt::format("Min-Expires: {}\r\n", work.rules().min_expires / seconds(1)));
  location::Binding& binding = out.binding;
  out.kind = interval.granted == 0 ? location::Change::Kind::remove : location::Change::Kind::put;
  read_contact(contact, work.rules(), binding);
  if (work.rules().gruu && !uri.parameters.empty() && uri.parameter("gr") &&
      (work.settings.domain_of(uri.host) != nullptr || equals_ignore_case(uri.host, work.domain())))
    return refusal(403, "Contact Is A GRUU");  // RFC 5627 section 5.1: it would lead to itself
  if (binding.reg_id != 0 && (binding.instance.empty() || !work.rules().outbound)) binding.reg_id = 0;
  if (binding.reg_id != 0 && !work.flow_known(path_)) {
    if (work.client_knows("outbound")) return refusal(439, "");
    binding.reg_id = 0;
  }
  binding.id = 0;
  binding.call_id = work.request.call_id();
  binding.cseq = work.request.cseq().number;
  binding.updated = work.now;
  binding.expires = work.now + seconds(interval.granted);
  binding.path = path_;
  binding.user_agent.clear();
  append_unfolded(binding.user_agent, work.request.value_of(HeaderId::user_agent).substr(0, 255));
  binding.flow = work.from;
  const bool where_it_sends_from = work.rules().force_nat || (work.sender & config::Workaround::fix_contacts) != 0;
  const bool first_hop = work.request.via_count() == 1;  // else it came from a proxy, which is no way to the phone
  binding.natted =
      path_.empty() && first_hop &&
      (where_it_sends_from ||
       (uri.is_sip() && transport::behind_nat(work.request, &uri, address, work.from, work.settings.nat.detect)));
  return {};
}

/// RFC 5626 sections 6 and 5.4: its flow is kept, and how often it is to be used.
void Registrar::append_outbound(std::string& out, const Work& work) {
  out += "Require: outbound\r\n";
  const auto interval = work.rules().flow_timer / seconds(1);
  if (interval > 0 && work.request.via_count() == 1) out += fmt::format("Flow-Timer: {}\r\n", interval);
}

Registrar::Reply Registrar::remove_all(const Work& work) {
  const auto removed =
      table_.remove_all(work.aor, work.request.call_id(), work.request.cseq().number, work.lane, work.now);
  if (!removed) return refuse_update(removed.error());
  bindings_.clear();
  return accept(work);
}

Registrar::Reply Registrar::refuse_update(location::UpdateError error) {
  switch (error) {
    case location::UpdateError::out_of_order: return refusal(500, "Registration Out Of Order");
    case location::UpdateError::too_many_contacts: return refusal(503, "Too Many Contacts");
    case location::UpdateError::too_long: return refusal(400, "Registration Data Too Long");
  }
  return refusal(500, "Server Internal Error");
}

Registrar::Reply Registrar::accept(const Work& work) {
  Reply reply;
  reply.headers = std::move(headers_);
  reply.headers.clear();
  if (work.rules().gruu && !bindings_.empty() && work.client_knows("gruu")) {
    const std::string domain = work.domain();
    const std::string_view user = work.aor.substr(0, work.aor.rfind('@'));
    const std::string aor = fmt::format("sip:{}@{}", sip::escape_user(user), domain);
    const GruuWriting gruu{gruus_, work.aor, aor, domain};
    append_contacts(reply.headers, bindings_.bindings(), work.now, &gruu);
  } else {
    append_contacts(reply.headers, bindings_.bindings(), work.now, nullptr);
  }
  if (flow_kept_ && work.client_knows("outbound")) append_outbound(reply.headers, work);
  for (const std::string& route : work.rules().service_route)
    reply.headers.append("Service-Route: <").append(route).append(">\r\n");
  if (!path_.empty() && work.client_knows_path()) {
    reply.headers += "Path: ";
    reply.headers += path_;
    reply.headers += "\r\n";
  }
  if (const auto second = unix_seconds(work.now); second != date_second_) {
    date_.clear();
    append_date(date_, work.now);
    date_second_ = second;
  }
  reply.headers += date_;
  return reply;
}

}  // namespace bellhop::registrar
