#include "transport/websocket_upgrade.hpp"

#include <fmt/format.h>
#include <http_parser.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/text.hpp"

namespace bellhop::transport {

namespace {

constexpr std::string_view end_of_line = "\r\n";
constexpr std::string_view blank_line = "\r\n\r\n";
constexpr std::size_t longest_method = 20;

/// What is wrong with a request, and the HTTP status that says so.
struct Fault {
  int status;
  std::string_view sentence;
  std::string_view detail{};  ///< the client's words, for the log only
};

constexpr Fault no_request{400, "This is no HTTP request."};

/// A header field that may stand only once.
struct Field {
  std::string_view value;
  int count = 0;
};

/// What a request says, as views of it.
struct Request {
  http_parser parser{};
  std::string_view target;
  std::string_view name, value;  ///< the field under way
  Field host, key, version, origin, user_agent;
  bool to_websocket = false;  ///< Upgrade has "websocket"
  bool to_upgrade = false;    ///< Connection has "upgrade"
  bool speaks_sip = false;    ///< Sec-WebSocket-Protocol has "sip"
  bool has_body = false;
  bool complete = false;
};

template <class Matches>
bool any_token(std::string_view list, Matches&& matches) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (matches(trim(list.substr(0, comma)))) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

void end_field(Request& request) {
  constexpr std::array<std::pair<std::string_view, Field Request::*>, 5> single{
      {{"host", &Request::host},
       {"sec-websocket-key", &Request::key},
       {"sec-websocket-version", &Request::version},
       {"origin", &Request::origin},
       {"user-agent", &Request::user_agent}}};
  const std::string_view name = std::exchange(request.name, {});
  const std::string_view value = trim(std::exchange(request.value, {}));
  for (const auto& [wanted, field] : single)
    if (equals_ignore_case(name, wanted)) request.*field = {value, (request.*field).count + 1};
  // Subprotocol names have no case-insensitive form: the browser compares our "sip" with what it asked for as it
  // stands.
  if (equals_ignore_case(name, "sec-websocket-protocol"))
    request.speaks_sip |= any_token(value, [](std::string_view token) { return token == "sip"; });
  if (equals_ignore_case(name, "upgrade"))
    request.to_websocket |= any_token(value, [](std::string_view t) { return equals_ignore_case(t, "websocket"); });
  if (equals_ignore_case(name, "connection"))
    request.to_upgrade |= any_token(value, [](std::string_view t) { return equals_ignore_case(t, "upgrade"); });
  if (equals_ignore_case(name, "transfer-encoding") || (equals_ignore_case(name, "content-length") && value != "0"))
    request.has_body = true;
}

/// http_parser may tell a text in pieces; they lie side by side.
void extend(std::string_view& text, const char* at, std::size_t size) {
  text = text.empty() ? std::string_view(at, size) : std::string_view(text.data(), text.size() + size);
}

http_parser_settings make_settings() {
  http_parser_settings s;
  http_parser_settings_init(&s);
  s.on_url = [](http_parser* p, const char* at, std::size_t n) {
    extend(static_cast<Request*>(p->data)->target, at, n);
    return 0;
  };
  s.on_header_field = [](http_parser* p, const char* at, std::size_t n) {
    auto& request = *static_cast<Request*>(p->data);
    if (request.value.data() != nullptr) end_field(request);
    extend(request.name, at, n);
    return 0;
  };
  s.on_header_value = [](http_parser* p, const char* at, std::size_t n) {
    extend(static_cast<Request*>(p->data)->value, at, n);
    return 0;
  };
  s.on_headers_complete = [](http_parser* p) {
    auto& request = *static_cast<Request*>(p->data);
    if (request.value.data() != nullptr) end_field(request);
    request.complete = true;
    http_parser_pause(p, 1);  // a body is none of ours
    return 0;
  };
  return s;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char folded = lower(c);
    return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

/// A method of capital letters can begin here, as far as one can see. TLS, SIP responses and worse are told at once.
bool may_be_request(std::string_view octets) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const std::string_view word = octets.substr(0, std::min(octets.find(' '), octets.size()));
  return word.size() <= longest_method && std::all_of(word.begin(), word.end(), capital) && !octets.starts_with(' ');
}

/// What http_parser as built in Debian lets pass: blanks in field names, folded lines, control characters, bare CR or
/// LF.
std::optional<Fault> fault_of_lines(std::string_view head) {
  std::size_t fields = 0;
  for (bool first = true; head != end_of_line; first = false) {
    const std::string_view line = head.substr(0, head.find(end_of_line));
    head.remove_prefix(line.size() + end_of_line.size());
    const auto forbidden = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
    if (std::any_of(line.begin(), line.end(), forbidden))
      return Fault{400, "The request has a control character in it."};
    if (first) continue;
    if (++fields > max_upgrade_fields) return Fault{431, "The request has too many header fields."};
    if (!is_token(line.substr(0, line.find(':')))) return Fault{400, "The request has a malformed header field."};
  }
  return std::nullopt;
}

/// Sixteen octets in base64: 22 characters and the padding.
bool is_key(std::string_view text) {
  return text.size() == 24 && text.ends_with("==") && std::all_of(text.begin(), text.end() - 2, [](char c) {
           const char folded = lower(c);
           return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
         });
}

bool may_connect(const Field& origin, const WebSocketRules& rules) {
  return origin.count == 0 || rules.origins.empty() ||
         std::any_of(rules.origins.begin(), rules.origins.end(),
                     [&](const std::string& allowed) { return equals_ignore_case(allowed, origin.value); });
}

std::optional<Fault> fault_of(const Request& request, const WebSocketRules& rules) {
  if (!request.to_websocket || !request.to_upgrade)
    return Fault{426, "This is a SIP over WebSocket service: the request does not ask for an upgrade to websocket."};
  if (request.parser.method != HTTP_GET) return Fault{405, "A WebSocket is opened with GET."};
  if (request.parser.http_major != 1 || request.parser.http_minor != 1)
    return Fault{505, "A WebSocket is opened with HTTP/1.1."};
  if (request.has_body) return Fault{400, "The request has a body."};
  if (request.host.count != 1 || request.host.value.empty()) return Fault{400, "The request needs one Host."};
  if (request.version.count != 1 || request.version.value != "13")
    return Fault{426, "Sec-WebSocket-Version is not 13.", request.version.value};
  if (request.key.count != 1 || !is_key(request.key.value))
    return Fault{400, "Sec-WebSocket-Key is not 16 octets in base64.", request.key.value};
  if (request.origin.count > 1) return Fault{400, "The request has several Origin fields."};
  if (!may_connect(request.origin, rules)) return Fault{403, "This Origin is not allowed.", request.origin.value};
  if (!request.speaks_sip) return Fault{400, "Sec-WebSocket-Protocol does not offer sip."};
  return std::nullopt;
}

std::optional<Fault> read(std::string_view text, Request& request) {
  static const http_parser_settings settings = make_settings();
  if (!may_be_request(text)) return no_request;
  const std::size_t end = text.substr(0, max_upgrade_size).find(blank_line);
  if (end == std::string_view::npos) return Fault{431, "The request is too long."};
  const std::string_view head = text.substr(0, end + blank_line.size());
  if (const auto fault = fault_of_lines(head)) return fault;
  http_parser_init(&request.parser, HTTP_REQUEST);
  request.parser.data = &request;
  http_parser_execute(&request.parser, &settings, head.data(), head.size());
  if (!request.complete) return no_request;
  return std::nullopt;
}

/// RFC 6455 section 4.2.2 item 5.4.
std::string accept_value(std::string_view key) {
  const std::string hashed = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(hashed.data()), hashed.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> text{};
  const int size = EVP_EncodeBlock(text.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

std::string_view name_of(int status) {
  switch (status) {
    case 403: return "Forbidden";
    case 405: return "Method Not Allowed";
    case 426: return "Upgrade Required";
    case 431: return "Request Header Fields Too Large";
    case 505: return "HTTP Version Not Supported";
    default: return "Bad Request";
  }
}

void append_refusal(const Fault& fault, bool with_body, std::string& out) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nConnection: {}close\r\n", fault.status,
                 name_of(fault.status), fault.status == 426 ? "Upgrade, " : "");
  if (fault.status == 405) out += "Allow: GET\r\n";
  if (fault.status == 426) out += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  fmt::format_to(std::back_inserter(out),
                 "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: {}\r\n\r\n",
                 fault.sentence.size() + 1);
  if (with_body) fmt::format_to(std::back_inserter(out), "{}\n", fault.sentence);
}

}  // namespace

std::size_t upgrade_end(std::string_view octets) {
  if (!may_be_request(octets)) return octets.size();
  const std::size_t end = octets.substr(0, max_upgrade_size).find(blank_line);
  if (end != std::string_view::npos) return end + blank_line.size();
  return octets.size() < max_upgrade_size ? std::string_view::npos : octets.size();
}

Upgrade answer_upgrade(std::string_view request_text, const WebSocketRules& rules, std::string& to_send) {
  Request request;
  auto fault = read(request_text, request);
  if (!fault) fault = fault_of(request, rules);
  Upgrade upgrade{{request.origin.value, request.target, request.user_agent.value}, {}};
  if (fault) {
    append_refusal(*fault, !(request.complete && request.parser.method == HTTP_HEAD), to_send);
    upgrade.refusal = fault->sentence;
    if (!fault->detail.empty()) upgrade.refusal += " It says " + quoted_for_log(fault->detail) + ".";
    return upgrade;
  }
  fmt::format_to(std::back_inserter(to_send),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
                 accept_value(request.key.value));
  return upgrade;
}

}  // namespace bellhop::transport
