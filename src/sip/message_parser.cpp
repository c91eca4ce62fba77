#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <type_traits>

#include "base/same_octets.hpp"
#include "base/text.hpp"
#include "sip/lines.hpp"
#include "sip/message.hpp"
#include "sip/octets.hpp"
#include "sip/scan.hpp"

namespace bellhop::sip {

namespace {

bool has_white(std::string_view text) {
  const char* const end = text.data() + text.size();
  return octets::find(text.data(), end,
                      [](octets::Sixteen some) { return octets::bits_of((some == ' ') | (some - '\t' < 5)); }) != end;
}

}  // namespace

/// One parse: start line, index of the lines, eager headers, body. The first fault decides the refusal, but the index
/// goes on behind it so that the request can be answered.
class MessageParser {
 public:
  MessageParser(Message& message, std::string_view octets, const Limits& limits, bool stream)
      : m_(message), limits_(limits), stream_(stream) {
    reset(octets);
  }

  Result<void, ParseRefusal> run();

 private:
  using Kind = ParseRefusal::Kind;
  static constexpr std::size_t none = std::string_view::npos;
  static constexpr std::size_t most_fields = UINT16_MAX;  ///< what the index can number

  void refuse(Kind kind, StatusCode status, const char* reason, std::size_t offset);
  void malformed(const char* reason, std::size_t offset) { refuse(Kind::malformed, 400, reason, offset); }
  void reset(std::string_view octets);
  void start_line();
  void request_line(std::string_view line);
  void status_line(std::string_view line);
  void fault_in_request_line(std::string_view line);
  void index_headers();
  void end_of_headers(std::size_t blank_line_at, std::size_t body_at);
  bool other_line(const HeaderLine& line, std::size_t most);
  void too_many(std::size_t at);
  void note(HeaderId id, std::size_t position);
  void note_repeat(HeaderId id, std::size_t position);
  void eager_headers();
  void top_via();
  void parties();
  [[nodiscard]] bool white_in_header(std::string_view text) const;
  void call_id_and_cseq();
  void count_values();
  std::size_t values_of(HeaderId id, std::size_t limit) const;
  void check_max_forwards();
  void content();

  Message& m_;
  const Limits& limits_;
  const bool stream_;
  std::optional<ParseRefusal> refusal_;
  bool dropped_ = false;  ///< no SIP at all: nothing behind the start line is of interest
  /// Where the latest field of each id stands in the index; valid for those that stand there twice.
  std::array<std::uint16_t, static_cast<std::size_t>(HeaderId::count_)> latest_;
  bool more_vias_ = false;          ///< behind the comma of the first Via line
  const char* repeated_ = nullptr;  ///< what stands twice and must not
  std::size_t repeated_at_ = 0;
};

void MessageParser::refuse(Kind kind, StatusCode status, const char* reason, std::size_t offset) {
  if (!refusal_) refusal_ = ParseRefusal{kind, status, reason, static_cast<std::uint32_t>(offset)};
}

void MessageParser::reset(std::string_view octets) {
  m_.octets_ = octets;
  m_.start_line_size_ = m_.headers_at_ = m_.blank_line_at_ = m_.body_at_ = static_cast<std::uint32_t>(octets.size());
  m_.is_request_ = m_.plain_headers_ = false;
  m_.method_ = Method::other;
  m_.status_ = StatusCode{};
  m_.method_text_ = m_.request_uri_text_ = m_.reason_ = {};
  m_.request_uri_ = failure(UriError::empty);
  m_.cseq_ = CSeq{};
  // In place: what is assigned would be made elsewhere and copied.
  static_assert(std::is_trivially_destructible_v<Via> && std::is_trivially_destructible_v<NameAddr>);
  std::construct_at(&m_.top_via_);
  std::construct_at(&m_.from_);
  std::construct_at(&m_.to_);
  m_.call_id_ = {};
  m_.max_forwards_.reset();
  m_.via_count_ = 0;
  m_.headers_.clear();
  m_.first_.fill(0);
}

Result<void, ParseRefusal> MessageParser::run() {
  start_line();
  if (!dropped_) {
    if (m_.octets_.size() > limits_.message_size) refuse(Kind::too_large, 513, "Message Too Large", 0);
    index_headers();
    eager_headers();
    content();
  }
  if (!refusal_) return {};
  if (!m_.is_request_ && refusal_->kind != Kind::not_sip) refusal_->kind = Kind::bad_response;
  return failure(*refusal_);
}

void MessageParser::start_line() {
  const std::string_view octets = m_.octets_;
  const std::size_t control = octets::find_control(octets, 0);
  m_.plain_headers_ = octets.substr(control, 2) == "\r\n";
  const std::size_t feed = m_.plain_headers_ ? control + 1 : octets.find('\n');
  const bool terminated = feed != none && feed > 0 && octets[feed - 1] == '\r';
  const std::size_t line_size = terminated ? feed - 1 : std::min(feed, octets.size());
  m_.start_line_size_ = static_cast<std::uint32_t>(line_size);
  m_.headers_at_ = static_cast<std::uint32_t>(feed == none ? octets.size() : feed + 1);
  m_.blank_line_at_ = m_.headers_at_;
  m_.body_at_ = m_.headers_at_;

  const std::string_view line = octets.substr(0, line_size);
  // Nearly every request is told by its first letter.
  if (line.size() >= 4 && lower(line[0]) == 's' && starts_with_ignore_case(line, "SIP/")) {
    status_line(line);
  } else {
    m_.is_request_ = true;
    request_line(line);
  }
  if (!terminated) malformed("Start Line Without End", line_size);
}

void MessageParser::request_line(std::string_view line) {
  constexpr std::string_view usual_end = " SIP/2.0";
  const std::size_t method_end = line.find(' ');
  const bool usual = line.ends_with(usual_end);
  const std::size_t uri_end = usual ? line.size() - usual_end.size() : line.rfind(' ');
  if (method_end == none || uri_end == method_end) return fault_in_request_line(line);
  if (!usual && !equals_ignore_case(line.substr(uri_end), usual_end)) return fault_in_request_line(line);

  m_.method_text_ = line.substr(0, method_end);
  m_.method_ = method_from(m_.method_text_);
  m_.request_uri_text_ = line.substr(method_end + 1, uri_end - method_end - 1);
  if (m_.method_ == Method::other && !is_token(m_.method_text_)) return malformed("Bad Method", 0);
  m_.request_uri_.emplace();
  const auto error = scan::read_uri(m_.request_uri_text_, m_.octets_, *m_.request_uri_);
  if (!error) return;
  // No scheme's grammar has white space: where it is, reading has failed.
  const bool white = has_white(m_.request_uri_text_);
  m_.request_uri_ = failure(white ? UriError::empty : *error);
  if (white) malformed("White Space In Request-URI", method_end);
}

// Tells a SIP request with a fault, which gets its 400 or 505, from what never was SIP.
void MessageParser::fault_in_request_line(std::string_view line) {
  const std::string_view trimmed = trim(line);
  m_.method_text_ = line.substr(0, line.find_first_of(" \t"));
  m_.method_ = method_from(m_.method_text_);
  if (trimmed.size() >= 7 && equals_ignore_case(trimmed.substr(trimmed.size() - 7), "SIP/2.0")) {
    return malformed("Bad Request Line", 0);
  }
  const std::string_view version = trimmed.substr(trimmed.rfind(' ') + 1);
  const std::size_t dot = version.find('.');
  if (starts_with_ignore_case(version, "SIP/") && dot != none && parse_decimal(version.substr(4, dot - 4)) &&
      parse_decimal(version.substr(dot + 1))) {
    return refuse(Kind::version, 505, "Version Not Supported", 0);
  }
  dropped_ = true;
  m_.is_request_ = false;
  refuse(Kind::not_sip, 400, "Not A SIP Message", 0);
}

void MessageParser::status_line(std::string_view line) {
  const auto bad = [this](const char* reason) { refuse(Kind::bad_response, 400, reason, 0); };
  constexpr std::string_view version = "SIP/2.0 ";
  if (!line.starts_with(version) && !starts_with_ignore_case(line, version)) return bad("Bad Version In Response");
  const std::string_view rest = line.substr(version.size());
  const auto code = parse_decimal(rest.substr(0, 3), 699);
  if (rest.size() < 3 || !code || *code < 100) return bad("Bad Status Code");
  if (rest.size() > 3 && rest[3] != ' ') return bad("Bad Status Line");
  m_.status_ = StatusCode(static_cast<int>(*code));
  m_.reason_ = rest.size() > 4 ? rest.substr(4) : std::string_view{};
}

/// That the field at this position has this id.
[[gnu::always_inline]] inline void MessageParser::note(HeaderId id, std::size_t position) {
  std::uint16_t& first = m_.first_[static_cast<std::size_t>(id)];
  if (first == 0)
    first = static_cast<std::uint16_t>(position + 1);
  else
    note_repeat(id, position);
}

// Usual lines are read straight into the index, as many as it has room for; any other is looked at by itself.
void MessageParser::index_headers() {
  Lines lines(m_.octets_, m_.headers_at_);
  const std::size_t most = std::min(limits_.header_count, most_fields);
  do {
    const std::span<HeaderField> spare = m_.headers_.spare(most);
    const HeaderField* const end = lines.take_usual(spare.data(), spare.data() + spare.size());
    std::size_t position = m_.headers_.size();
    for (const HeaderField* field = spare.data(); field != end; ++field) note(field->id, position++);
    m_.headers_.keep_spare(static_cast<std::size_t>(end - spare.data()));
  } while (other_line(lines.next(), most));
}

// False when no field follows it.
bool MessageParser::other_line(const HeaderLine& line, std::size_t most) {
  const std::size_t at = line.field.name_at;
  switch (line.kind) {
    case HeaderLine::Kind::blank: end_of_headers(at, line.field.end_at); return false;
    case HeaderLine::Kind::unterminated:
      m_.blank_line_at_ = m_.body_at_ = static_cast<std::uint32_t>(m_.octets_.size());
      malformed("Header Block Without End", at);
      return false;
    case HeaderLine::Kind::malformed: malformed("Bad Header Line", at); break;
    case HeaderLine::Kind::bare_newline: malformed("Line Feed Without Carriage Return", at); break;
    case HeaderLine::Kind::field:
      if (m_.headers_.size() >= most) {
        too_many(at);
        return false;
      }
      m_.headers_.spare(most)[0] = line.field;
      note(line.field.id, m_.headers_.size());
      m_.headers_.keep_spare(1);
  }
  if (!line.plain) m_.plain_headers_ = false;
  return true;
}

void MessageParser::too_many(std::size_t at) {
  m_.blank_line_at_ = m_.body_at_ = static_cast<std::uint32_t>(at);
  refuse(Kind::too_many_headers, stream_ ? 513 : 400, "Too Many Header Fields", at);
}

void MessageParser::end_of_headers(std::size_t blank_line_at, std::size_t body_at) {
  m_.blank_line_at_ = static_cast<std::uint32_t>(blank_line_at);
  m_.body_at_ = static_cast<std::uint32_t>(body_at);
  if (body_at > limits_.header_block_size) refuse(Kind::too_large, 513, "Header Block Too Large", 0);
  if (m_.plain_headers_ || refusal_) return;
  const std::size_t octet = find_forbidden_octet(m_.octets_.substr(0, body_at));
  if (octet != std::string_view::npos) malformed("Control Octet In Header", octet);
}

void MessageParser::note_repeat(HeaderId id, std::size_t position) {
  std::uint16_t& latest = latest_[static_cast<std::size_t>(id)];
  const std::size_t first = m_.first_[static_cast<std::size_t>(id)] - 1u;
  const std::size_t previous = m_.headers_[first].to_next == 0 ? first : latest;
  m_.headers_[previous].to_next = static_cast<std::uint16_t>(position - previous);
  latest = static_cast<std::uint16_t>(position);
  if (repeated_ != nullptr) return;
  repeated_at_ = position;
  switch (id) {
    case HeaderId::from: repeated_ = "More Than One From"; break;
    case HeaderId::to: repeated_ = "More Than One To"; break;
    case HeaderId::call_id: repeated_ = "More Than One Call-ID"; break;
    case HeaderId::cseq: repeated_ = "More Than One CSeq"; break;
    case HeaderId::max_forwards: repeated_ = "More Than One Max-Forwards"; break;
    case HeaderId::content_length: repeated_ = "More Than One Content-Length"; break;
    default: break;
  }
}

void MessageParser::eager_headers() {
  if (repeated_ != nullptr) {
    const bool length = m_.headers_[repeated_at_].id == HeaderId::content_length;
    refuse(length ? Kind::bad_content_length : Kind::malformed, 400, repeated_, m_.headers_[repeated_at_].name_at);
  }
  top_via();
  parties();
  call_id_and_cseq();
  check_max_forwards();
  count_values();
}

void MessageParser::top_via() {
  const HeaderField* const field = m_.first(HeaderId::via);
  if (field == nullptr) return malformed("Missing Via", m_.headers_at_);
  std::string_view rest;
  if (scan::read_via(m_.value(*field), m_.octets_, m_.top_via_, rest)) {
    m_.top_via_ = Via{};
    return malformed("Bad Via", field->value_at);
  }
  m_.via_count_ = 1;
  more_vias_ = !rest.empty();
}

void MessageParser::parties() {
  const auto party = [this](HeaderId id, NameAddr& out, const char* missing, const char* bad) {
    const HeaderField* const field = m_.first(id);
    if (field == nullptr) return malformed(missing, m_.headers_at_);
    std::string_view rest;
    if (!scan::read_name_addr(m_.value(*field), m_.octets_, out, rest) && rest.empty()) return;
    out = NameAddr{};
    malformed(bad, field->value_at);
  };
  party(HeaderId::from, m_.from_, "Missing From", "Bad From");
  party(HeaderId::to, m_.to_, "Missing To", "Bad To");
}

/// In plain headers no octet but SP is white.
bool MessageParser::white_in_header(std::string_view text) const {
  return m_.plain_headers_ ? text.find(' ') != none : has_white(text);
}

void MessageParser::call_id_and_cseq() {
  if (const HeaderField* const field = m_.first(HeaderId::call_id)) {
    m_.call_id_ = m_.value(*field);
    if (m_.call_id_.empty() || white_in_header(m_.call_id_)) malformed("Bad Call-ID", field->value_at);
  } else {
    malformed("Missing Call-ID", m_.headers_at_);
  }
  const HeaderField* const field = m_.first(HeaderId::cseq);
  if (field == nullptr) return malformed("Missing CSeq", m_.headers_at_);
  const auto cseq = parse_cseq(m_.value(*field));
  const std::size_t offset = field->value_at;
  if (!cseq) return malformed(cseq.error() == ValueError::out_of_range ? "CSeq Out Of Range" : "Bad CSeq", offset);
  m_.cseq_ = *cseq;
  if (!m_.is_request_) {
    m_.method_ = cseq->method;
    m_.method_text_ = cseq->method_text;
  } else if (!same_octets(cseq->method_text, m_.method_text_)) {
    malformed("CSeq Method Does Not Match Request Method", offset);
  }
}

void MessageParser::check_max_forwards() {
  const HeaderField* const field = m_.first(HeaderId::max_forwards);
  if (field == nullptr || !m_.is_request_) return;
  const auto hops = parse_number(m_.value(*field), 255);
  if (!hops) return malformed("Bad Max-Forwards", field->value_at);
  m_.max_forwards_ = *hops;
}

std::size_t MessageParser::values_of(HeaderId id, std::size_t limit) const {
  std::size_t count = 0;
  for (const HeaderField* field = m_.first(id); field != nullptr && count <= limit; field = Message::next(field)) {
    std::string_view list = m_.value(*field);
    if (!list.empty() && list.find(',') == std::string_view::npos) {
      ++count;
      continue;
    }
    while (count <= limit && next_in_list(list)) ++count;
  }
  return count;
}

void MessageParser::count_values() {
  const HeaderField* const via = m_.first(HeaderId::via);
  if (more_vias_ || (via != nullptr && via->to_next != 0)) {
    m_.via_count_ = values_of(HeaderId::via, limits_.via_count);
    if (m_.via_count_ > limits_.via_count) malformed("Too Many Via Values", via->name_at);
  }
  if (m_.has(HeaderId::route) && values_of(HeaderId::route, limits_.route_count) > limits_.route_count) {
    malformed("Too Many Route Values", m_.headers_at_);
  }
}

void MessageParser::content() {
  const std::size_t available = m_.octets_.size() - m_.body_at_;
  const HeaderField* const field = m_.first(HeaderId::content_length);
  if (field == nullptr) {
    if (stream_) refuse(Kind::bad_content_length, 400, "Missing Content-Length", m_.headers_at_);
    return;
  }
  const auto length = parse_decimal(m_.value(*field));
  const std::size_t offset = field->value_at;
  if (!length) return refuse(Kind::bad_content_length, 400, "Bad Content-Length", offset);
  if (*length > available) return refuse(Kind::bad_content_length, 400, "Content-Length Beyond End Of Message", offset);
  if (stream_ && *length != available) return refuse(Kind::bad_content_length, 400, "Content-Length Mismatch", offset);
  m_.octets_ = m_.octets_.substr(0, m_.body_at_ + static_cast<std::size_t>(*length));
}

Result<void, ParseRefusal> Message::parse(std::string_view octets, const Limits& limits, bool stream) {
  if (!stream) {
    while (octets.starts_with("\r\n")) octets.remove_prefix(2);
  }
  if (octets.size() <= INT32_MAX) return MessageParser(*this, octets, limits, stream).run();
  (void)MessageParser(*this, {}, limits, stream);
  return failure(ParseRefusal{ParseRefusal::Kind::too_large, 513, "Message Too Large", 0});
}

}  // namespace bellhop::sip
