#include "shard/pinger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.hpp"

namespace bellhop::shard {

namespace {

constexpr Duration step_length = milliseconds(100);

}  // namespace

Pinger::Pinger(const Environment& environment, TimePoint now)
    : env_(environment),
      next_(now + step_length),
      sent_(env_.metrics.counter("nat.pings")),
      answered_(env_.metrics.counter("nat.pings.answered")) {}

void Pinger::on_turn(const config::Snapshot& config, unsigned shard, unsigned shards, TimePoint now) {
  if (now < next_ || config.nat.ping == config::Ping::none) return;
  const auto steps = static_cast<std::size_t>(std::max<std::int64_t>(1, config.nat.ping_interval / step_length));
  const auto late =
      static_cast<std::size_t>((now - next_) / step_length);  // a machine that stood still pings all the same
  next_ += step_length * static_cast<std::int64_t>(late + 1);
  for (std::size_t i = 0; i < std::min(late + 1, steps / 4 + 1); ++i) {
    env_.table.collect(shard * steps + step_++ % steps, steps * shards, !config.nat.ping_all, now, bindings_);
    for (const location::Binding& binding : bindings_) ping(binding, config);
  }
}

void Pinger::ping(const location::Binding& binding, const config::Snapshot& config) {
  const net::Flow& flow = binding.flow;
  if (!binding.path.empty() || sip::is_websocket(flow.transport) || !env_.transport.is_alive(flow)) return;
  if (flow.is_stream() && !config.devices.empty() &&
      (config.workarounds_of_agent(binding.user_agent) & config::Workaround::tcp_ping) != 0)
    return;
  sent_.add();
  const auto contact = sip::parse_uri(binding.contact);  // what no request can go to as it is gets an empty line
  const bool askable = contact && contact->is_sip() && contact->headers.empty() && !contact->parameter("method");
  if (config.nat.ping == config::Ping::crlf || !askable) return env_.transport.ping(flow);
  write_options(binding, config);
  env_.output.transmit(flow, buffer_);
}

void Pinger::write_options(const location::Binding& binding, const config::Snapshot& config) {
  const std::uint64_t number = (std::uint64_t{binding.id} << 20) ^ ++sent_count_;
  std::string branch(mark), from = config.nat.ping_from;
  crypto::append_stamped_number(branch, env_.key, number);
  if (from.empty())
    from = config.domains.empty() ? "sip:pinger@bellhop.invalid" : "sip:pinger@" + config.domains.front().name;
  buffer_.clear();
  fmt::format_to(std::back_inserter(buffer_), FMT_STRING("OPTIONS {} SIP/2.0\r\nVia: SIP/2.0/{} "), binding.contact,
                 sip::via_name(binding.flow.transport));
  env_.transport.append_sent_by(buffer_, binding.flow);
  fmt::format_to(std::back_inserter(buffer_),
                 FMT_STRING(";rport;branch={}\r\nMax-Forwards: 70\r\nFrom: <{}>;tag={:x}\r\nTo: <{}>\r\nCall-ID: "
                            "{}\r\nCSeq: 1 OPTIONS\r\n"
                            "Content-Length: 0\r\n\r\n"),
                 branch, from, number & 0xffffffff, binding.contact, branch.substr(mark.size()));
}

bool Pinger::takes(const sip::Message& response) {
  const std::string_view branch = response.top_via().branch;
  if (!starts_with_ignore_case(branch, mark)) return false;
  if (!crypto::parse_stamped_number(branch.substr(mark.size()), env_.key)) return false;
  answered_.add();
  return true;
}

}  // namespace bellhop::shard
