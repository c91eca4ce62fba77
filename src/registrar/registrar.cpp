#include "registrar/registrar.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "registrar/contacts.hpp"
#include "registrar/reply.hpp"

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

  [[nodiscard]] const config::Registrar& rules() const { return settings.registrar; }
  [[nodiscard]] bool path_wanted() const { return rules().path != config::PathMode::off; }
  [[nodiscard]] bool client_knows_path() const {
    return request.has_token(HeaderId::supported, "path") || request.has_token(HeaderId::require, "path");
  }
};

namespace {

Registrar::Reply refusal(sip::StatusCode status, const char* reason, std::string headers = {}) {
  return {status, reason, std::move(headers)};
}

/// Extensions the request requires and we do not have (RFC 3261 section 8.2.2.3), as a list; empty when none.
std::string unsupported_of(const sip::Message& request, bool path_wanted) {
  std::string list;
  request.for_each_value(HeaderId::require, [&](std::string_view tag, const sip::HeaderField&) {
    if (path_wanted && equals_ignore_case(tag, "path")) return true;
    if (!list.empty()) list += ", ";
    append_unfolded(list, tag);
    return true;
  });
  return list;
}

/// A registrar reads no bodies, and says so where handling is required, or not said (RFC 3261 sections 8.2.3 and 20.11). One departure,
/// on purpose: a body without any Content-Disposition is passed over, for phones that add a body to REGISTER never have one.
bool insists_on_body(const sip::Message& request) {
  if (request.body().empty() || !request.has(HeaderId::content_disposition)) return false;
  const std::string_view disposition = request.value_of(HeaderId::content_disposition);
  const auto semicolon = disposition.find(';');
  if (semicolon == std::string_view::npos) return true;
  const auto handling = sip::ParameterList(disposition.substr(semicolon + 1)).find("handling");
  return !handling || equals_ignore_case(handling->value, "required");
}

}  // namespace

Registrar::Registrar(location::Table& table, observe::Metrics& metrics)
    : table_(table),
      accepted_(metrics.counter("registrar.accepted")),
      rejected_(metrics.counter("registrar.rejected")) {}

Registrar::Reply Registrar::on_register(const sip::Message& request, const net::Flow& from, std::string_view aor,
                                        const config::Snapshot& settings, unsigned lane, TimePoint now,
                                        observe::DecisionRecord& decision) {
  const Work work{request, from, aor, settings, lane, now};
  Reply reply = process(work);
  if (reply.status.success()) {
    accepted_.add();
    decision.note(observe::Step::registrar, "accepted", fmt::format_int(bindings_.size()).c_str());
    return reply;
  }
  rejected_.add();
  decision.note(observe::Step::registrar, "refused", reply.reason);
  const auto retry_after = settings.registrar.retry_after / seconds(1);
  if (reply.status.class_of() == 5 && retry_after > 0) reply.headers += fmt::format("Retry-After: {}\r\n", retry_after);
  return reply;
}

Registrar::Reply Registrar::process(const Work& work) {
  if (work.request.has(HeaderId::require)) {
    const std::string unsupported = unsupported_of(work.request, work.path_wanted());
    if (!unsupported.empty()) return refusal(420, "Bad Extension", fmt::format("Unsupported: {}\r\n", unsupported));
  }
  if (insists_on_body(work.request)) return refusal(415, "Unsupported Media Type", "Accept:\r\n");
  path_.clear();
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
  const std::uint32_t methods = methods_of(work.request, work.rules());
  std::size_t values = 0, used = 0;
  bool star = false;
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
    }
    return refused.status.success();
  });
  if (!refused.status.success()) return refused;
  if (star) {
    if (values != 1 || expires != 0u) return refusal(400, "Contact \"*\" Needs Expires 0 And No Other Contact");
    return remove_all(work);
  }
  const location::UpdateLimits limits{.max_contacts = work.rules().max_contacts};
  const auto updated = table_.update(work.aor, {changes_.data(), used}, limits, work.lane, work.now, bindings_);
  return updated ? accept(work) : refuse_update(updated.error());
}

Registrar::Reply Registrar::read_change(const Work& work, const sip::Contact& contact,
                                        std::optional<std::uint32_t> expires, location::Change& out) {
  if (const char* why = unusable(contact.address.uri, work.rules())) return refusal(400, why);
  const Interval interval = interval_of(contact, expires, work.rules());
  if (interval.too_brief)
    return refusal(423, "Interval Too Brief",
                   fmt::format("Min-Expires: {}\r\n", work.rules().min_expires / seconds(1)));
  location::Binding& binding = out.binding;
  out.kind = interval.granted == 0 ? location::Change::Kind::remove : location::Change::Kind::put;
  read_contact(contact, work.rules(), binding);
  binding.id = 0;
  binding.call_id = work.request.call_id();
  binding.cseq = work.request.cseq().number;
  binding.updated = work.now;
  binding.expires = work.now + seconds(interval.granted);
  binding.path = path_;
  binding.user_agent.clear();
  append_unfolded(binding.user_agent, work.request.value_of(HeaderId::user_agent).substr(0, 255));
  binding.flow = work.from;
  binding.natted =
      path_.empty() && (work.rules().force_nat || behind_nat(contact.address.uri, work.request, work.from));
  return {};
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
  reply.headers.reserve(256);
  append_contacts(reply.headers, bindings_, work.now);
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
