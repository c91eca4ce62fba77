#include "request/answer.hpp"

#include <cstdint>

#include "base/pen.hpp"
#include "base/text.hpp"
#include "sip/builder.hpp"
#include "transport/reply.hpp"

namespace bellhop::request {

namespace {

using sip::HeaderId;

/// One answer to a request that parse() accepted. What is copied holds no line break but folds then.
class Answer {
 public:
  Answer(Pen& pen, const sip::Message& request, sip::FieldNames names)
      : pen_(pen), request_(request), compact_(names == sip::FieldNames::compact) {}

  void status_line(sip::StatusCode status, std::string_view reason) {
    pen_.put("SIP/2.0 ");
    const auto put_digit = [this](int digit) { pen_.put(static_cast<char>('0' + digit)); };
    put_digit(status.value / 100 % 10);
    put_digit(status.value / 10 % 10);
    put_digit(status.value % 10);
    pen_.put(' ');
    pen_.put(reason.empty() ? sip::reason_phrase(status) : reason);
    end_line();
  }

  /// All Via values, the top one with `suffix` in place of its own received and rport and of what `more`, the end of
  /// the suffix, names.
  void vias(std::string_view suffix, std::string_view more) {
    const sip::HeaderField* via = request_.first(HeaderId::via);
    if (via == nullptr) return;
    via_name();
    if (suffix.empty()) {
      pen_.put(request_.value(*via));
    } else {
      top_via(request_.value(*via), suffix, more);
    }
    end_line();
    while ((via = request_.next(HeaderId::via, via)) != nullptr) {
      via_name();
      pen_.put(request_.value(*via));
      end_line();
    }
  }

  void record_routes() {
    for (const auto* field = request_.first(HeaderId::record_route); field != nullptr;
         field = request_.next(HeaderId::record_route, field))
      line("Record-Route: ", *field);
  }

  /// From, To with this tag when it has none, Call-ID and CSeq.
  void identity(std::string_view to_tag) {
    if (const auto* from = request_.first(HeaderId::from)) compact_ ? line("f: ", *from) : line("From: ", *from);
    if (const auto* to = request_.first(HeaderId::to)) {
      compact_ ? pen_.put("t: ") : pen_.put("To: ");
      pen_.put(request_.value(*to));
      if (!to_tag.empty() && request_.to_tag().empty()) {
        pen_.put(";tag=");
        pen_.put(to_tag);
      }
      end_line();
    }
    if (const auto* id = request_.first(HeaderId::call_id)) compact_ ? line("i: ", *id) : line("Call-ID: ", *id);
    if (const auto* cseq = request_.first(HeaderId::cseq)) line("CSeq: ", *cseq);
  }

  void timestamp() {
    if (const auto* field = request_.first(HeaderId::timestamp)) line("Timestamp: ", *field);
  }

  void no_body() { compact_ ? pen_.put("l: 0\r\n\r\n") : pen_.put("Content-Length: 0\r\n\r\n"); }
  void end_line() { pen_.put("\r\n"); }

 private:
  template <std::size_t size>
  void line(const char (&name)[size], const sip::HeaderField& field) {
    pen_.put(name);
    pen_.put(request_.value(field));
    end_line();
  }
  void via_name() { compact_ ? pen_.put("v: ") : pen_.put("Via: "); }

  void top_via(std::string_view value, std::string_view suffix, std::string_view more) {
    const sip::Via& via = request_.top_via();
    std::string_view head = via.text;
    if (!via.parameters.empty()) {
      head = head.substr(0, static_cast<std::size_t>(via.parameters.data() - head.data()));
      head = trim(head.substr(0, head.rfind(';')));
    }
    pen_.put(head);
    if (more.empty() && via.has_branch_and_rport_alone()) {
      constexpr std::size_t name_size = 7;  // "branch="
      pen_.put(';');
      pen_.put({via.branch.data() - name_size, name_size + via.branch.size()});
    } else {
      kept_parameters(via, more);
    }
    pen_.put(suffix);
    const auto used = static_cast<std::size_t>(via.text.data() + via.text.size() - value.data());
    const std::size_t comma = value.find(',', used);
    if (comma == std::string_view::npos) return;
    pen_.put(", ");
    pen_.put(trim(value.substr(comma + 1)));
  }

  void kept_parameters(const sip::Via& via, std::string_view more) {
    const sip::ParameterList replaced(more);
    for (const sip::Parameter& parameter : sip::ParameterList(via.parameters)) {
      if (equals_ignore_case(parameter.name, "received") || equals_ignore_case(parameter.name, "rport")) continue;
      if (!more.empty() && replaced.find(parameter.name)) continue;
      pen_.put(';');
      pen_.put(parameter.name);
      if (!parameter.has_value) continue;
      pen_.put('=');
      pen_.put(parameter.value);
    }
  }

  Pen& pen_;
  const sip::Message& request_;
  const bool compact_;
};

sip::FieldNames names_of(const config::Snapshot& config) {
  return config.sip.short_field_names ? sip::FieldNames::compact : sip::FieldNames::as_received;
}

}  // namespace

std::size_t most_octets_back(const sip::Message& request, const net::Flow& from) {
  return from.is_stream() ? SIZE_MAX : 3 * request.octets().size();
}

std::string_view AnswerWriter::via_facts_of(const sip::Message& request, const net::Flow& from, std::string_view more) {
  via_facts_.clear();
  transport::append_via_facts(via_facts_, request.top_via(), from);
  via_facts_ += more;
  return via_facts_;
}

std::string_view AnswerWriter::write(const sip::Message& request, const net::Flow& from, sip::StatusCode status,
                                     std::string_view reason, std::string_view to_tag, std::string_view headers,
                                     const config::Snapshot& config, std::string_view via_more) {
  const std::string_view facts = via_facts_of(request, from, via_more);
  const std::string_view server = status.value > 100 ? std::string_view(config.server.name) : std::string_view();
  // Each field once, under a name that is up to seven octets longer than it came, and what is ours.
  constexpr std::size_t ours = 256, longer_name = 8;
  const std::size_t most = request.octets().size() + longer_name * request.headers().size() + reason.size() +
                           to_tag.size() + facts.size() + server.size() + headers.size() + ours;
  if (out_.size() < most) out_.resize(most);

  Pen pen(out_.data());
  Answer answer(pen, request, names_of(config));
  answer.status_line(status, reason);
  answer.vias(facts, via_more);
  // A dialog needs the route set (section 12.1.1); a registration must not have it (section 10.3).
  if (status.value > 100 && status.value < 300 && request.method() != sip::Method::register_) answer.record_routes();
  answer.identity(status.value > 100 ? to_tag : std::string_view());
  if (status.value == 100) answer.timestamp();
  if (!server.empty()) {
    pen.put("Server: ");
    pen.put(server);
    answer.end_line();
  }
  pen.put(headers);
  answer.no_body();
  return {out_.data(), static_cast<std::size_t>(pen.at() - out_.data())};
}

std::string_view AnswerWriter::write_to_refused(const sip::Message& request, const net::Flow& from,
                                                sip::StatusCode status, std::string_view reason,
                                                std::string_view to_tag, const config::Snapshot& config) {
  const std::string_view facts = via_facts_of(request, from, {});
  out_.clear();
  auto builder = sip::start_response(out_, request, status, reason, to_tag, facts, names_of(config));
  if (status.value > 100 && !config.server.name.empty()) builder.header(HeaderId::server, config.server.name);
  builder.no_body();
  return out_;
}

}  // namespace bellhop::request
