#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "sip/lines.hpp"
#include "sip/message.hpp"

namespace bellhop::sip {

namespace {

bool has_white(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
}

}  // namespace

/// One parse: start line, index of the lines, eager headers, body. The first fault decides the refusal, but the index
/// goes on behind it so that the request can be answered.
class MessageParser {
 public:
  MessageParser(Message& message, const Limits& limits, bool stream) : m_(message), limits_(limits), stream_(stream) {}

  Result<void, ParseRefusal> run(std::string_view octets);

 private:
  using Kind = ParseRefusal::Kind;
  static constexpr std::size_t none = std::string_view::npos;

  void refuse(Kind kind, StatusCode status, const char* reason, std::size_t offset);
  void malformed(const char* reason, std::size_t offset) { refuse(Kind::malformed, 400, reason, offset); }
  void reset(std::string_view octets);
  void start_line();
  void request_line(std::string_view line);
  void status_line(std::string_view line);
  void fault_in_request_line(std::string_view line);
  void index_headers();
  bool keep(const HeaderField& field);
  void note(HeaderId id, std::size_t position);
  void eager_headers();
  void top_via();
  void parties();
  void call_id_and_cseq();
  void count_values();
  std::size_t values_of(HeaderId id, std::size_t limit) const;
  void check_max_forwards();
  void content();
  std::string_view value(std::size_t position) const { return m_.value(m_.headers_[position]); }

  Message& m_;
  const Limits& limits_;
  const bool stream_;
  std::optional<ParseRefusal> refusal_;
  bool dropped_ = false;  ///< no SIP at all: nothing behind the start line is of interest
  std::size_t crlf_count_ = 0;
  // Where the first field of each eager header stands in the index.
  std::size_t via_ = none, from_ = none, to_ = none, call_id_ = none, cseq_ = none, max_forwards_ = none,
              content_length_ = none;
  bool more_vias_ = false, routes_ = false;
  const char* repeated_ = nullptr;
  std::size_t repeated_at_ = 0;
};

void MessageParser::refuse(Kind kind, StatusCode status, const char* reason, std::size_t offset) {
  if (!refusal_) refusal_ = ParseRefusal{kind, status, reason, static_cast<std::uint32_t>(offset)};
}

void MessageParser::reset(std::string_view octets) {
  m_.octets_ = octets;
  m_.start_line_size_ = m_.headers_at_ = m_.blank_line_at_ = m_.body_at_ = static_cast<std::uint32_t>(octets.size());
  m_.is_request_ = false;
  m_.method_ = Method::other;
  m_.status_ = StatusCode{};
  m_.method_text_ = m_.request_uri_text_ = m_.reason_ = {};
  m_.request_uri_ = failure(UriError::empty);
  m_.top_via_ = Via{};
  m_.cseq_ = CSeq{};
  m_.from_ = m_.to_ = NameAddr{};
  m_.call_id_ = m_.from_tag_ = m_.to_tag_ = {};
  m_.max_forwards_.reset();
  m_.via_count_ = 0;
  m_.headers_.clear();
  if (m_.headers_.capacity() < 64) m_.headers_.reserve(64);
}

Result<void, ParseRefusal> MessageParser::run(std::string_view octets) {
  if (!stream_) {
    while (octets.starts_with("\r\n")) octets.remove_prefix(2);
  }
  const bool absurd = octets.size() > INT32_MAX;
  reset(absurd ? std::string_view{} : octets);
  if (absurd) return failure(ParseRefusal{Kind::too_large, 513, "Message Too Large", 0});

  start_line();
  if (!dropped_) {
    if (octets.size() > limits_.message_size) refuse(Kind::too_large, 513, "Message Too Large", 0);
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
  const std::size_t feed = octets.find('\n');
  const bool terminated = feed != none && feed > 0 && octets[feed - 1] == '\r';
  const std::size_t line_size = terminated ? feed - 1 : std::min(feed, octets.size());
  m_.start_line_size_ = static_cast<std::uint32_t>(line_size);
  m_.headers_at_ = static_cast<std::uint32_t>(feed == none ? octets.size() : feed + 1);
  m_.blank_line_at_ = m_.headers_at_;
  m_.body_at_ = m_.headers_at_;
  ++crlf_count_;

  const std::string_view line = octets.substr(0, line_size);
  if (starts_with_ignore_case(line, "SIP/")) {
    status_line(line);
  } else {
    m_.is_request_ = true;
    request_line(line);
  }
  if (!terminated) malformed("Start Line Without End", line_size);
}

void MessageParser::request_line(std::string_view line) {
  const std::size_t method_end = line.find(' ');
  const std::size_t uri_end = line.rfind(' ');
  if (method_end == none || uri_end == method_end) return fault_in_request_line(line);
  const std::string_view version = line.substr(uri_end + 1);
  if (version != "SIP/2.0" && !equals_ignore_case(version, "SIP/2.0")) return fault_in_request_line(line);

  m_.method_text_ = line.substr(0, method_end);
  m_.method_ = method_from(m_.method_text_);
  m_.request_uri_text_ = line.substr(method_end + 1, uri_end - method_end - 1);
  if (m_.method_ == Method::other && !is_token(m_.method_text_)) return malformed("Bad Method", 0);
  if (has_white(m_.request_uri_text_)) return malformed("White Space In Request-URI", method_end);
  m_.request_uri_ = parse_uri(m_.request_uri_text_);
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
  if (!starts_with_ignore_case(line, "SIP/2.0 ")) return bad("Bad Version In Response");
  const std::string_view rest = line.substr(8);
  const auto code = parse_decimal(rest.substr(0, 3), 699);
  if (rest.size() < 3 || !code || *code < 100) return bad("Bad Status Code");
  if (rest.size() > 3 && rest[3] != ' ') return bad("Bad Status Line");
  m_.status_ = StatusCode(static_cast<int>(*code));
  m_.reason_ = rest.size() > 4 ? rest.substr(4) : std::string_view{};
}

void MessageParser::index_headers() {
  std::size_t at = m_.headers_at_;
  for (;;) {
    const HeaderLine line = next_line(m_.octets_, at);
    ++crlf_count_;
    switch (line.kind) {
      case HeaderLine::Kind::blank:
        m_.blank_line_at_ = static_cast<std::uint32_t>(at);
        m_.body_at_ = line.field.end_at;
        if (line.field.end_at > limits_.header_block_size) refuse(Kind::too_large, 513, "Header Block Too Large", 0);
        if (!refusal_) {
          const std::size_t octet = find_forbidden_octet(m_.octets_.substr(0, line.field.end_at), crlf_count_);
          if (octet != none) malformed("Control Octet In Header", octet);
        }
        return;
      case HeaderLine::Kind::unterminated:
        m_.blank_line_at_ = m_.body_at_ = static_cast<std::uint32_t>(m_.octets_.size());
        return malformed("Header Block Without End", at);
      case HeaderLine::Kind::malformed: malformed("Bad Header Line", at); break;
      case HeaderLine::Kind::bare_newline: malformed("Line Feed Without Carriage Return", at); break;
      case HeaderLine::Kind::field:
        if (!keep(line.field)) {
          m_.blank_line_at_ = m_.body_at_ = static_cast<std::uint32_t>(at);
          return;
        }
    }
    at = line.field.end_at;
  }
}

bool MessageParser::keep(const HeaderField& field) {
  if (m_.headers_.size() >= limits_.header_count) {
    refuse(Kind::too_many_headers, stream_ ? 513 : 400, "Too Many Header Fields", field.name_at);
    return false;
  }
  m_.headers_.push_back(field);
  note(field.id, m_.headers_.size() - 1);
  return true;
}

void MessageParser::note(HeaderId id, std::size_t position) {
  const auto only = [&](std::size_t& first, const char* reason) {
    if (first == none) {
      first = position;
    } else if (repeated_ == nullptr) {
      repeated_ = reason;
      repeated_at_ = position;
    }
  };
  switch (id) {
    case HeaderId::via: via_ == none ? void(via_ = position) : void(more_vias_ = true); break;
    case HeaderId::from: only(from_, "More Than One From"); break;
    case HeaderId::to: only(to_, "More Than One To"); break;
    case HeaderId::call_id: only(call_id_, "More Than One Call-ID"); break;
    case HeaderId::cseq: only(cseq_, "More Than One CSeq"); break;
    case HeaderId::max_forwards: only(max_forwards_, "More Than One Max-Forwards"); break;
    case HeaderId::content_length: only(content_length_, "More Than One Content-Length"); break;
    case HeaderId::route: routes_ = true; break;
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
  if (via_ == none) return malformed("Missing Via", m_.headers_at_);
  std::string_view rest;
  auto via = parse_via(value(via_), &rest);
  if (!via) return malformed("Bad Via", m_.headers_[via_].value_at);
  m_.top_via_ = *via;
  m_.via_count_ = 1;
  if (!rest.empty()) more_vias_ = true;
}

void MessageParser::parties() {
  const auto party = [this](std::size_t position, NameAddr& out, std::string_view& tag, const char* missing,
                            const char* bad) {
    if (position == none) return malformed(missing, m_.headers_at_);
    auto parsed = parse_name_addr(value(position));
    if (!parsed) return malformed(bad, m_.headers_[position].value_at);
    out = *parsed;
    if (!out.parameters.empty()) tag = out.tag();
  };
  party(from_, m_.from_, m_.from_tag_, "Missing From", "Bad From");
  party(to_, m_.to_, m_.to_tag_, "Missing To", "Bad To");
}

void MessageParser::call_id_and_cseq() {
  if (call_id_ == none) {
    malformed("Missing Call-ID", m_.headers_at_);
  } else {
    m_.call_id_ = value(call_id_);
    const bool spaced = has_white(m_.call_id_);
    if (spaced || m_.call_id_.empty()) malformed("Bad Call-ID", m_.headers_[call_id_].value_at);
  }
  if (cseq_ == none) return malformed("Missing CSeq", m_.headers_at_);
  const auto cseq = parse_cseq(value(cseq_));
  const std::size_t offset = m_.headers_[cseq_].value_at;
  if (!cseq) return malformed(cseq.error() == ValueError::out_of_range ? "CSeq Out Of Range" : "Bad CSeq", offset);
  m_.cseq_ = *cseq;
  if (!m_.is_request_) {
    m_.method_ = cseq->method;
    m_.method_text_ = cseq->method_text;
  } else if (cseq->method_text != m_.method_text_) {
    malformed("CSeq Method Does Not Match Request Method", offset);
  }
}

void MessageParser::check_max_forwards() {
  if (max_forwards_ == none || !m_.is_request_) return;
  const auto hops = parse_number(value(max_forwards_), 255);
  if (!hops) return malformed("Bad Max-Forwards", m_.headers_[max_forwards_].value_at);
  m_.max_forwards_ = *hops;
}

std::size_t MessageParser::values_of(HeaderId id, std::size_t limit) const {
  std::size_t count = 0;
  m_.for_each_value(id, [&](std::string_view, const HeaderField&) { return ++count <= limit; });
  return count;
}

void MessageParser::count_values() {
  if (more_vias_) {
    m_.via_count_ = values_of(HeaderId::via, limits_.via_count);
    if (m_.via_count_ > limits_.via_count) malformed("Too Many Via Values", m_.headers_[via_].name_at);
  }
  if (routes_ && values_of(HeaderId::route, limits_.route_count) > limits_.route_count) {
    malformed("Too Many Route Values", m_.headers_at_);
  }
}

void MessageParser::content() {
  const std::size_t available = m_.octets_.size() - m_.body_at_;
  if (content_length_ == none) {
    if (stream_) refuse(Kind::bad_content_length, 400, "Missing Content-Length", m_.headers_at_);
    return;
  }
  const auto length = parse_decimal(value(content_length_));
  const std::size_t offset = m_.headers_[content_length_].value_at;
  if (!length) return refuse(Kind::bad_content_length, 400, "Bad Content-Length", offset);
  if (*length > available) return refuse(Kind::bad_content_length, 400, "Content-Length Beyond End Of Message", offset);
  if (stream_ && *length != available) return refuse(Kind::bad_content_length, 400, "Content-Length Mismatch", offset);
  m_.octets_ = m_.octets_.substr(0, m_.body_at_ + static_cast<std::size_t>(*length));
}

Result<void, ParseRefusal> Message::parse(std::string_view octets, const Limits& limits, bool stream) {
  return MessageParser(*this, limits, stream).run(octets);
}

}  // namespace bellhop::sip
