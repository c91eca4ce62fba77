#include "admin/http_request.hpp"

#include <http_parser.h>

#include <algorithm>
#include <utility>

#include "base/hex.hpp"
#include "base/text.hpp"

namespace bellhop::admin {

struct HttpReader::State {
  http_parser parser{};
  std::size_t limit = 0;
  std::size_t octets = 0;  ///< of the request under way
  std::string target, field, value;
  bool value_open = false;
  bool header_done = false;
  bool complete = false;
  HttpRequest request;

  void begin() {
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = this;
    octets = 0;
    target.clear();
    field.clear();
    value.clear();
    value_open = header_done = complete = false;
    request = {};
  }

  void end_header() {
    // What stands behind a chunked body comes too late to say whom the request is for (RFC 9110 section 6.5.1).
    if (value_open && !header_done && equals_ignore_case(field, "host")) {
      // A second Host field is an attack or a fault; neither value is believed.
      request.host = request.has_host ? "" : std::string(trim(value));
      request.has_host = true;
    }
    field.clear();
    value.clear();
    value_open = false;
  }

  void finish() {
    complete = true;
    request.method = http_method_str(static_cast<http_method>(parser.method));
    request.keep_alive = http_should_keep_alive(&parser) != 0;
    const auto question = std::min(target.find('?'), target.size());
    request.path = percent_decoded(std::string_view(target).substr(0, question));
    std::string_view query = std::string_view(target).substr(std::min(question + 1, target.size()));
    while (!query.empty()) {
      const auto end = std::min(query.find('&'), query.size());
      const std::string_view pair = query.substr(0, end);
      const auto equals = std::min(pair.find('='), pair.size());
      const std::string_view argument = pair.substr(std::min(equals + 1, pair.size()));
      if (!argument.empty()) request.arguments.push_back(percent_decoded(argument));
      query.remove_prefix(std::min(end + 1, query.size()));
    }
  }
};

namespace {

HttpReader::Outcome outcome_of(const http_parser& parser) {
  return HTTP_PARSER_ERRNO(&parser) == HPE_HEADER_OVERFLOW ? HttpReader::Outcome::too_large
                                                           : HttpReader::Outcome::malformed;
}

template <class State>
http_parser_settings make_settings() {
  http_parser_settings s;
  http_parser_settings_init(&s);
  s.on_url = [](http_parser* p, const char* at, std::size_t n) {
    static_cast<State*>(p->data)->target.append(at, n);
    return 0;
  };
  s.on_header_field = [](http_parser* p, const char* at, std::size_t n) {
    auto* state = static_cast<State*>(p->data);
    if (state->value_open) state->end_header();
    state->field.append(at, n);
    return 0;
  };
  s.on_header_value = [](http_parser* p, const char* at, std::size_t n) {
    auto* state = static_cast<State*>(p->data);
    state->value_open = true;
    state->value.append(at, n);
    return 0;
  };
  s.on_headers_complete = [](http_parser* p) {
    auto* state = static_cast<State*>(p->data);
    state->end_header();
    state->header_done = true;
    return 0;
  };
  s.on_message_complete = [](http_parser* p) {
    static_cast<State*>(p->data)->finish();
    http_parser_pause(p, 1);
    return 0;
  };
  return s;
}

}  // namespace

HttpReader::HttpReader(std::size_t limit) : state_(std::make_unique<State>()) {
  state_->limit = limit;
  state_->begin();
}
HttpReader::~HttpReader() = default;
HttpReader::HttpReader(HttpReader&&) noexcept = default;
HttpReader& HttpReader::operator=(HttpReader&&) noexcept = default;

HttpReader::Outcome HttpReader::feed(std::string_view& octets) {
  static const http_parser_settings settings = make_settings<State>();
  State& s = *state_;
  if (octets.empty()) return Outcome::more;
  const std::size_t room = s.limit - std::min(s.limit, s.octets);
  const std::string_view part = octets.substr(0, room);
  const std::size_t used = http_parser_execute(&s.parser, &settings, part.data(), part.size());
  s.octets += used;
  octets.remove_prefix(std::min(used, octets.size()));
  if (s.complete && s.parser.upgrade == 0) return Outcome::complete;
  if (HTTP_PARSER_ERRNO(&s.parser) != HPE_OK || s.parser.upgrade != 0) return outcome_of(s.parser);
  return s.octets >= s.limit ? Outcome::too_large : Outcome::more;
}

HttpRequest HttpReader::take() {
  HttpRequest out = std::move(state_->request);
  state_->begin();
  return out;
}

bool HttpReader::in_request() const {
  return state_->octets > 0;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) && hex_value(text[i + 2]);
    if (escaped) {
      out += static_cast<char>(*hex_value(text[i + 1]) << 4 | *hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace bellhop::admin
