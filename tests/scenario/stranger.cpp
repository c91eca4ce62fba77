#include "stranger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"

namespace bellhop::scenario {

// ---- Draft

Draft& Draft::start(std::string text) {
  return start_ = std::move(text), *this;
}

Draft& Draft::set(std::string_view name, std::string value) {
  const auto found = std::find_if(lines_.begin(), lines_.end(),
                                  [&](const auto& line) { return equals_ignore_case(line.first, name); });
  if (found != lines_.end())
    found->second = std::move(value);
  else
    lines_.emplace_back(name, std::move(value));
  return *this;
}

Draft& Draft::drop(std::string_view name) {
  std::erase_if(lines_, [&](const auto& line) { return equals_ignore_case(line.first, name); });
  return *this;
}

Draft& Draft::add(std::string line) {
  return lines_.emplace_back("", std::move(line)), *this;
}

Draft& Draft::body(std::string text, std::string_view type) {
  body_ = std::move(text);
  return set("Content-Type", std::string(type)).set("Content-Length", std::to_string(body_.size()));
}

Draft& Draft::tail(std::string octets) {
  return tail_ = std::move(octets), *this;
}

std::string Draft::text() const {
  std::string out = start_ + "\r\n";
  for (const auto& [name, value] : lines_) {
    if (!name.empty()) out += name + ": ";
    out += value + "\r\n";
  }
  return out + "\r\n" + body_ + tail_;
}

// ---- Stranger

Stranger::Stranger(World& world, sip::Transport transport, const std::string& address)
    : world_(world), transport_(transport), local_(*Endpoint::parse(address)), wire_(world.net().make_wire()) {
  wire_->set_handler(*this);
  if (transport_ == sip::Transport::udp) (void)wire_->open_datagram(local_, {});
  world.name(local_, "stranger");
}

Stranger::~Stranger() = default;

Draft Stranger::draft(std::string_view method, std::string_view uri) {
  const int n = ++next_;
  return {fmt::format("{} {} SIP/2.0", method, uri),
          {{"Via", fmt::format("SIP/2.0/{} {};rport;branch=z9hG4bKstranger{}-{}", sip::via_name(transport_),
                               local_.to_string(), local_.port, n)},
           {"Max-Forwards", "70"},
           {"From", fmt::format("<sip:alice@example.test>;tag=s{}", n)},
           {"To", fmt::format("<{}>", uri)},
           {"Call-ID", fmt::format("stranger-{}-{}", local_.port, n)},
           {"CSeq", fmt::format("1 {}", method)},
           {"Contact", fmt::format("<sip:stranger@{}>", local_.to_string())},
           {"Content-Length", "0"}}};
}

void Stranger::send(std::string_view octets) {
  sent_ += octets.size();
  if (transport_ == sip::Transport::udp) return wire_->send_datagram(0, world_.address_for(local_), octets);
  if (!connected_) {
    stream_ = wire_->connect(world_.address_for(local_), local_.address, {});
    connected_ = true;
    closed_ = false;
    input_.clear();
  }
  wire_->send_stream(stream_, octets, 64 << 20);
}

int Stranger::ask(std::string_view octets, Duration wait) {
  const std::size_t before = received_.size();
  send(octets);
  world_.run_for(wait);
  if (received_.size() == before) return 0;
  const std::string& first = received_[before];
  return first.starts_with("SIP/2.0 ") ? std::atoi(first.c_str() + 8) : -1;
}

std::vector<long> Stranger::times_of(std::string_view start) const {
  std::vector<TimePoint> times;
  for (std::size_t i = 0; i < received_.size(); ++i)
    if (received_[i].starts_with(start)) times.push_back(times_[i]);
  std::vector<long> out;
  for (const TimePoint time : times) out.push_back((time - times.front()) / milliseconds(1));
  return out;
}

std::string Stranger::last(std::string_view start) const {
  const auto found = std::find_if(received_.rbegin(), received_.rend(),
                                  [&](const std::string& message) { return message.starts_with(start); });
  return found == received_.rend() ? std::string() : *found;
}

void Stranger::disconnect() {
  if (connected_) wire_->close(stream_, Duration::zero());
  connected_ = false;
  world_.run_for(milliseconds(10));
}

bool Stranger::server_lives(World& world) {
  Stranger other(world, sip::Transport::udp, "127.0.0.67:5067");
  return other.ask(other.draft("OPTIONS", "sip:127.0.0.1:5060")) == 200;
}

void Stranger::on_datagram(net::SocketId, const Endpoint&, std::string_view octets, TimePoint) {
  got_ += octets.size();
  if (octets == "\r\n\r\n") return pings_.push_back(wire_->now());
  received_.emplace_back(octets);
  times_.push_back(wire_->now());
}

/// Cut as any stream: by Content-Length, which Bellhop always sends.
void Stranger::on_stream_data(net::StreamId, std::string_view octets, TimePoint) {
  got_ += octets.size();
  input_ += octets;
  for (; input_.starts_with("\r\n\r\n"); input_.erase(0, 4)) pings_.push_back(wire_->now());
  for (std::size_t end; (end = input_.find("\r\n\r\n")) != std::string::npos;) {
    const std::string length = line_of(input_.substr(0, end + 2), "Content-Length");
    const std::size_t size = end + 4 + (length.empty() ? 0u : std::stoul(length.substr(16)));
    if (input_.size() < size) return;
    received_.push_back(input_.substr(0, size));
    times_.push_back(wire_->now());
    input_.erase(0, size);
  }
}

void Stranger::on_closed(net::StreamId stream, net::CloseReason, TimePoint) {
  if (stream != stream_ || !connected_) return;
  closed_ = true;
  connected_ = false;
}

// ---- what people write by hand

std::string line_of(const std::string& message, std::string_view name) {
  const auto at = message.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  return message.substr(at + 2, message.find("\r\n", at + 2) - at - 2);
}

std::string lines_of(const std::string& message, std::string_view name) {
  std::string out;
  const std::string start = "\r\n" + std::string(name) + ": ";
  for (auto at = message.find(start); at != std::string::npos; at = message.find(start, at + 2))
    out += message.substr(at + 2, message.find("\r\n", at + 2) - at);
  return out;
}

std::string uri_in(const std::string& line) {
  const auto begin = line.find('<');
  return begin == std::string::npos ? std::string() : line.substr(begin + 1, line.find('>', begin) - begin - 1);
}

std::string routes_from(const std::string& message, bool turned) {
  std::string all, value;
  std::vector<std::string> values;
  for (const char c : lines_of(message, "Record-Route")) {
    if (c == '<') value.clear();
    value += c;
    if (c == '>') values.push_back(value);
  }
  if (turned) std::reverse(values.begin(), values.end());
  for (const std::string& v : values) all += (all.empty() ? "" : ", ") + v;
  return all;
}

Draft in_dialog(Draft draft, const std::string& heard) {
  const bool caller = heard.starts_with("SIP/2.0 ");
  const std::string from = line_of(heard, "From").substr(6), to = line_of(heard, "To").substr(4);
  const std::string callee = to.find(";tag=") == std::string::npos ? to + ";tag=callee" : to;
  draft.set("From", caller ? from : callee).set("To", caller ? callee : from);
  draft.set("Call-ID", line_of(heard, "Call-ID").substr(9)).set("CSeq", "2 " + draft.method());
  const std::string routes = routes_from(heard, caller);
  return routes.empty() ? draft : draft.set("Route", routes);
}

std::string with_contact(std::string answer, std::string_view lines) {
  const auto at = answer.find("Contact:");
  return answer.replace(at, answer.find("\r\n", at) - at, lines);
}

std::string answer_to(const std::string& request, std::string_view status) {
  const std::string to = line_of(request, "To");
  const char* tag = to.find(";tag=") == std::string::npos ? ";tag=callee" : "";
  return fmt::format(
      "SIP/2.0 {}\r\n{}{}\r\n{}{}\r\n{}\r\n{}\r\n{}Contact: <sip:callee@127.0.0.66:5066>\r\nContent-Length: 0\r\n\r\n",
      status, lines_of(request, "Via"), line_of(request, "From"), to, tag, line_of(request, "Call-ID"),
      line_of(request, "CSeq"), lines_of(request, "Record-Route"));
}

std::string ack_of(const std::string& invite, const std::string& answer) {
  const std::string via = line_of(invite, "Via");
  return fmt::format("ACK {}\r\n{}\r\nMax-Forwards: 70\r\n{}\r\n{}\r\n{}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
                     invite.substr(7, invite.find("\r\n") - 7), via, line_of(invite, "From"), line_of(answer, "To"),
                     line_of(invite, "Call-ID"));
}

std::string cancel_of(const std::string& invite) {
  const std::string cseq = line_of(invite, "CSeq");
  return fmt::format("CANCEL {}\r\n{}Max-Forwards: 70\r\n{}\r\n{}\r\n{}\r\n{} CANCEL\r\nContent-Length: 0\r\n\r\n",
                     invite.substr(7, invite.find("\r\n") - 7), lines_of(invite, "Via"), line_of(invite, "From"),
                     line_of(invite, "To"), line_of(invite, "Call-ID"), cseq.substr(0, cseq.rfind(' ')));
}

}  // namespace bellhop::scenario
