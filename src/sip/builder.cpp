#include "sip/builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"
#include "sip/scan.hpp"

namespace bellhop::sip {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_name(std::string& out, HeaderId id, FieldNames names) {
  const HeaderName& name = name_of(id);
  if (names == FieldNames::compact && name.compact != '\0') {
    out.push_back(name.compact);
  } else {
    out.append(name.name);
  }
  out.append(": ");
}

/// A value of the request as it came. Folds stay; a CR or LF that is no fold, which only a refused request can hold,
/// becomes a space, so that no part of it can turn into a header line of ours.
void append_received(std::string& out, std::string_view value) {
  if (value.find('\n') == std::string_view::npos && value.find('\r') == std::string_view::npos) {
    out.append(value);
    return;
  }
  for (;;) {
    const std::size_t at = value.find_first_of("\r\n");
    out.append(value.substr(0, at));
    if (at == std::string_view::npos) return;
    const std::string_view rest = value.substr(at);
    const bool fold = rest.size() > 2 && rest[0] == '\r' && rest[1] == '\n' && (rest[2] == ' ' || rest[2] == '\t');
    out.append(fold ? std::string_view("\r\n") : std::string_view(" "));
    value = rest.substr(fold ? 2 : 1);
  }
}

/// Copies fields of a received message into one that is being built.
class Copy {
 public:
  Copy(std::string& out, const Message& from, FieldNames names) : out_(out), from_(from), names_(names) {}

  void all(HeaderId id) const { rest(from_.first(id)); }
  void first(HeaderId id) const {
    if (const HeaderField* field = from_.first(id)) one(*field);
  }
  void rest(const HeaderField* field) const {
    for (; field != nullptr; field = from_.next(field)) one(*field);
  }

 private:
  /// The line is what we would write: "Name: value" and its end.
  [[nodiscard]] bool as_written(const HeaderField& field) const {
    const std::string_view octets = from_.octets();
    const std::size_t line_end = std::size_t{field.value_at} + field.value_size;
    return from_.has_plain_headers() && names_ == FieldNames::as_received &&
           field.name_at + field.name_size + 2U == field.value_at && octets[field.value_at - 1] == ' ' &&
           field.end_at == line_end + 2 && from_.name(field) == name_of(field.id).name;
  }
  void one(const HeaderField& field) const {
    if (as_written(field)) {
      out_.append(from_.octets(), field.name_at, field.end_at - field.name_at);
      return;
    }
    append_name(out_, field.id, names_);
    append_received(out_, from_.value(field));
    out_.append("\r\n");
  }

  std::string& out_;
  const Message& from_;
  FieldNames names_;
};

/// The top Via of a response: the request's, with `suffix` in place of its own received and rport and of what else the
/// suffix names.
void append_top_via(std::string& out, const Message& request, std::string_view value, std::string_view suffix) {
  if (suffix.empty()) return append_received(out, value);
  std::string_view others;
  Result<Via, ValueError> parsed = failure(ValueError::malformed);
  const Via* via = &request.top_via();
  if (value.empty() || via->text.size() != value.size()) {
    parsed = parse_via(value, &others);
    if (!parsed) return append_received(out, value);
    via = &*parsed;
  }
  std::string_view head = via->text;
  if (!via->parameters.empty()) {
    head = head.substr(0, static_cast<std::size_t>(via->parameters.data() - head.data()));
    head = trim(head.substr(0, head.rfind(';')));
  }
  append_received(out, head);
  const ParameterList replaced(suffix.substr(1));
  for (const Parameter& parameter : ParameterList(via->parameters)) {
    if (scan::named(parameter.name, "received") || scan::named(parameter.name, "rport")) continue;
    if (replaced.find(parameter.name)) continue;
    out.append(";").append(parameter.name);
    if (!parameter.has_value) continue;
    out.push_back('=');
    append_received(out, parameter.value);
  }
  out.append(suffix);
  if (others.empty()) return;
  out.append(", ");
  append_received(out, trim(others));
}

/// Whether a To value has a tag. One that does not parse has when it looks so: a second tag would be worse than none.
bool has_tag(const Message& request, std::string_view to) {
  if (!request.to().text.empty()) return !request.to().tag().empty();
  if (to.find(';') == std::string_view::npos) return false;
  const auto parsed = parse_name_addr(to);
  if (parsed) return parsed->parameter("tag").has_value();
  return to_lower(to).find(";tag") != std::string::npos;
}

void append_request_start(std::string& out, const Message& sent, std::string_view method, FieldNames names) {
  Builder builder(out, names);
  builder.request(method, sent.request_uri_text());
  builder.header(HeaderId::via, sent.top_via().text);
  builder.header(HeaderId::max_forwards, 70);
  Copy(out, sent, names).all(HeaderId::route);
}

void append_cseq(std::string& out, const Message& sent, std::string_view method, FieldNames names) {
  append_name(out, HeaderId::cseq, names);
  append_number(out, sent.cseq().number);
  out.append(" ").append(method).append("\r\n");
}

}  // namespace

Builder& Builder::request(std::string_view method, std::string_view uri) {
  out_.append(method).append(" ").append(uri).append(" SIP/2.0\r\n");
  return *this;
}

Builder& Builder::status(StatusCode code, std::string_view reason) {
  out_.append("SIP/2.0 ");
  append_number(out_, code.value);
  out_.append(" ").append(reason.empty() ? reason_phrase(code) : reason).append("\r\n");
  return *this;
}

Builder& Builder::header(HeaderId id, std::string_view value) {
  append_name(out_, id, names_);
  out_.append(value).append("\r\n");
  return *this;
}

Builder& Builder::header(HeaderId id, std::uint64_t value) {
  append_name(out_, id, names_);
  append_number(out_, value);
  out_.append("\r\n");
  return *this;
}

Builder& Builder::header(std::string_view name, std::string_view value) {
  if (const HeaderId id = header_from(name); id != HeaderId::other) return header(id, value);
  out_.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

void Builder::body(std::string_view content_type, std::string_view content) {
  if (!content_type.empty()) header(HeaderId::content_type, content_type);
  header(HeaderId::content_length, std::uint64_t{content.size()});
  out_.append("\r\n").append(content);
}

Builder start_response(std::string& out, const Message& request, StatusCode code, std::string_view reason,
                       std::string_view to_tag, std::string_view via_suffix, FieldNames names) {
  // What is copied of the request, and room for what the caller adds.
  out.reserve(out.size() + std::min<std::size_t>(request.blank_line_at(), 2048) + 512);
  Builder builder(out, names);
  builder.status(code, reason);
  const Copy copy(out, request, names);
  if (const HeaderField* via = request.first(HeaderId::via)) {
    append_name(out, HeaderId::via, names);
    append_top_via(out, request, request.value(*via), via_suffix);
    out.append("\r\n");
    copy.rest(request.next(via));
  }
  // A dialog needs the route set (section 12.1.1); a registration must not have it (section 10.3).
  if (code.value > 100 && code.value < 300 && request.method() != Method::register_) copy.all(HeaderId::record_route);
  copy.first(HeaderId::from);
  if (const HeaderField* to = request.first(HeaderId::to)) {
    append_name(out, HeaderId::to, names);
    append_received(out, request.value(*to));
    if (code.value > 100 && !to_tag.empty() && !has_tag(request, request.value(*to)))
      out.append(";tag=").append(to_tag);
    out.append("\r\n");
  }
  copy.first(HeaderId::call_id);
  copy.first(HeaderId::cseq);
  if (code.value == 100) copy.first(HeaderId::timestamp);
  return builder;
}

bool answerable(const Message& request) {
  if (!request.is_request() || request.method() == Method::ack) return false;
  for (const HeaderId id : {HeaderId::via, HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq}) {
    if (!request.has(id)) return false;
  }
  return parse_via(request.value_of(HeaderId::via)).has_value();
}

void build_cancel(std::string& out, const Message& sent, std::string_view reason, FieldNames names) {
  append_request_start(out, sent, "CANCEL", names);
  const Copy copy(out, sent, names);
  copy.first(HeaderId::from);
  copy.first(HeaderId::to);
  copy.first(HeaderId::call_id);
  append_cseq(out, sent, "CANCEL", names);
  Builder builder(out, names);
  if (!reason.empty()) builder.header(HeaderId::reason, reason);
  builder.no_body();
}

void build_ack(std::string& out, const Message& sent, const Message& response, FieldNames names) {
  append_request_start(out, sent, "ACK", names);
  const Copy copy(out, sent, names);
  copy.first(HeaderId::from);
  Copy(out, response, names).first(HeaderId::to);
  copy.first(HeaderId::call_id);
  append_cseq(out, sent, "ACK", names);
  Builder(out, names).no_body();
}

}  // namespace bellhop::sip
