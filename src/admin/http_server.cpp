#include "admin/http_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.hpp"

namespace bellhop::admin {

namespace {

constexpr std::string_view api = "/api/v1/";
constexpr Duration linger = seconds(5);

std::string_view phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 421: return "Misdirected Request";
    default: return "Error";
  }
}

std::string error_body(std::string_view why) {
  return Json::object().set("error", why).write() + "\n";
}

}  // namespace

HttpServer::HttpServer(net::Wire& wire, const Commands& commands, Collect collect, const Limits& limits)
    : wire_(wire), commands_(commands), collect_(std::move(collect)), limits_(limits) {
  wire_.set_handler(*this);
}

Result<net::SocketId, net::OpenError> HttpServer::open(const Endpoint& address) {
  net::SocketOptions options;
  options.shared = false;
  return wire_.listen_stream(address, options);
}

void HttpServer::on_accept(net::SocketId, net::StreamId stream, const Endpoint&, const Endpoint&, TimePoint now) {
  if (connections_.size() >= limits_.connections) {
    wire_.close(stream, Duration::zero());
    return;
  }
  connections_.emplace(stream.packed(), Connection{HttpReader(limits_.request), now + limits_.request_time});
}

void HttpServer::on_stream_data(net::StreamId stream, std::string_view octets, TimePoint now) {
  const auto found = connections_.find(stream.packed());
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  while (!octets.empty() && !connection.closing) {
    if (!connection.reader.in_request()) connection.deadline = now + limits_.request_time;
    switch (connection.reader.feed(octets)) {
      case HttpReader::Outcome::more: break;
      case HttpReader::Outcome::malformed: refuse(stream, connection, 400, "this is no HTTP request"); break;
      case HttpReader::Outcome::too_large: refuse(stream, connection, 413, "the request is too large"); break;
      case HttpReader::Outcome::complete: {
        const HttpRequest request = connection.reader.take();
        send(stream, answer(request), request.method == "HEAD", request.keep_alive);
        connection.closing = !request.keep_alive;
        connection.deadline = now + limits_.idle_time;
        break;
      }
    }
  }
}

void HttpServer::on_closed(net::StreamId stream, net::CloseReason, TimePoint) {
  connections_.erase(stream.packed());
}

void HttpServer::on_turn(TimePoint now) {
  for (auto& [key, connection] : connections_) {
    if (connection.closing || connection.deadline > now) continue;
    if (connection.reader.in_request())
      refuse(net::StreamId::unpack(key), connection, 408, "the request did not arrive in time");
    else
      wire_.close(net::StreamId::unpack(key), Duration::zero());
    connection.closing = true;
  }
}

TimePoint HttpServer::next_deadline() const {
  TimePoint first = never;
  for (const auto& [key, connection] : connections_)
    if (!connection.closing) first = std::min(first, connection.deadline);
  return first;
}

HttpServer::Response HttpServer::answer(const HttpRequest& request) const {
  if (!request.has_host) return {400, "application/json", error_body("the Host header field is missing")};
  if (!is_loopback_host(request.host))
    return {421, "application/json", error_body("only localhost and loopback addresses are served here")};
  if (request.method != "GET" && request.method != "HEAD")
    return {405, "application/json", error_body("only GET and HEAD are possible")};
  if (request.path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", prometheus_text(collect_())};
  if (request.path.starts_with(api)) return answer_api(request);
  if (const Asset* asset = find_asset(request.path)) return {200, asset->type, std::string(asset->body)};
  return {404, "application/json", error_body("there is nothing of this name")};
}

HttpServer::Response HttpServer::answer_api(const HttpRequest& request) const {
  Words words;
  std::string_view rest = std::string_view(request.path).substr(api.size());
  while (!rest.empty()) {
    const auto slash = std::min(rest.find('/'), rest.size());
    words.emplace_back(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  const Reply reply = commands_.run_read_only(words);
  if (!reply) return {404, "application/json", error_body(reply.error())};
  return {200, "application/json", reply->write() + "\n"};
}

void HttpServer::send(net::StreamId stream, const Response& response, bool head_only, bool keep_alive) {
  std::string octets = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\nContent-Security-Policy: default-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'\r\n{}\r\n",
      response.status, phrase(response.status), response.type, response.body.size(),
      keep_alive ? "keep-alive" : "close", response.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (!head_only) octets += response.body;
  const bool queued = wire_.send_stream(stream, octets, limits_.output);
  if (queued && !keep_alive) wire_.close(stream, linger);
}

void HttpServer::refuse(net::StreamId stream, Connection& connection, int status, std::string_view why) {
  send(stream, {status, "application/json", error_body(why)}, false, false);
  connection.closing = true;
}

std::string prometheus_text(const observe::Metrics::Values& values) {
  const auto named = [](std::string_view name) {
    std::string out = "bellhop_";
    for (const char c : name) out += (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ? c : '_';
    return out;
  };
  std::string out;
  const auto append = [&](const std::string& name, std::string_view type, auto value) {
    fmt::format_to(std::back_inserter(out), "# TYPE {0} {1}\n{0} {2}\n", name, type, value);
  };
  for (const auto& [name, value] : values.counters) append(named(name) + "_total", "counter", value);
  for (const auto& [name, value] : values.gauges) append(named(name), "gauge", value);
  return out;
}

bool is_loopback_host(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.back() != ']') {
    if (!parse_decimal(host.substr(colon + 1), 65535)) return false;
    host = host.substr(0, colon);
  }
  if (equals_ignore_case(host, "localhost")) return true;
  if (host.find(':') != std::string_view::npos && host.front() != '[') return false;
  const auto address = IpAddress::parse(host);
  return address && address->is_loopback();
}

}  // namespace bellhop::admin
