#include "net/simulation.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "net/simulated_network.hpp"
#include "net/simulated_wire.hpp"

namespace bellhop::net {

void SimulatedNetwork::schedule(TimePoint when, Event event) {
  events_.push_back({std::max(when, now_), sequence_++, std::move(event)});
  std::push_heap(events_.begin(), events_.end(), std::greater<>());
}

TimePoint SimulatedNetwork::next_time() const {
  TimePoint next = events_.empty() ? never : events_.front().when;
  for (const SimulatedWire* wire : wires_) {
    if (wire != nullptr) next = std::min(next, wire->next_turn());
  }
  return next;
}

void SimulatedNetwork::step() {
  now_ = std::max(now_, next_time());
  while (!events_.empty() && events_.front().when <= now_) {
    std::pop_heap(events_.begin(), events_.end(), std::greater<>());
    const Event event = std::move(events_.back().event);
    events_.pop_back();
    event();
  }
  // By index: a handler may create wires and destroy others.
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    if (wires_[i] != nullptr && wires_[i]->next_turn() <= now_) wires_[i]->turn();
  }
}

SimulatedNetwork::WireNumber SimulatedNetwork::add_wire(SimulatedWire& wire) {
  wires_.push_back(&wire);
  return static_cast<WireNumber>(wires_.size() - 1);
}

std::uint16_t SimulatedNetwork::next_port() {
  last_port_ = last_port_ == 65535 ? 40000 : static_cast<std::uint16_t>(last_port_ + 1);
  return last_port_;
}

Result<Endpoint, OpenError> SimulatedNetwork::open(Addresses& addresses, Endpoint local, Opener opener) {
  if (local.address.is_unspecified()) return failure(OpenError::address_not_available);
  if (local.port == 0) {
    do local.port = next_port();
    while (addresses.contains(local));
  }
  std::vector<Opener>& openers = addresses[local];
  if (!openers.empty() && !(opener.shared && openers.front().shared)) return failure(OpenError::address_in_use);
  openers.push_back(opener);
  return local;
}

void SimulatedNetwork::close(Addresses& addresses, const Endpoint& local, Opener opener) {
  const auto found = addresses.find(local);
  std::erase_if(found->second, [&](const Opener& o) { return o.wire == opener.wire && o.socket == opener.socket; });
  if (found->second.empty()) addresses.erase(found);
}

const SimulatedNetwork::Opener* SimulatedNetwork::hearer(const Addresses& addresses, const Endpoint& at,
                                                         const Endpoint& from) const {
  const auto found = addresses.find(at);
  if (found == addresses.end()) return nullptr;
  return &found->second[hash_of(from, seed_) % found->second.size()];
}

Duration SimulatedNetwork::travel_time() {
  const auto jitter = static_cast<std::uint64_t>(std::max<std::int64_t>(weather.jitter.count(), 0));
  const Duration extra(static_cast<std::int64_t>(random_.below(jitter + 1)));
  return std::max(weather.delay + extra, Duration(1));
}

void SimulatedNetwork::send_datagram(Opener sender, const Endpoint& from, const Endpoint& to, std::string_view octets) {
  ++datagrams_sent;
  if (filter && filter(from, to, octets)) return;
  if (random_.chance(weather.loss)) return;
  const int copies = random_.chance(weather.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    schedule(now_ + travel_time(),
             [this, sender, from, to, packet = std::string(octets)] { datagram_arrives(sender, from, to, packet); });
  }
}

void SimulatedNetwork::datagram_arrives(Opener sender, const Endpoint& from, const Endpoint& to,
                                        const std::string& octets) {
  if (silent(to.address)) return;
  if (const Opener* opener = hearer(datagram_sockets, to, from)) {
    wires_[opener->wire]->datagram_arrives(opener->socket, from, octets);
    return;
  }
  schedule(now_ + travel_time(), [this, sender, to] {
    if (wires_[sender.wire] != nullptr) wires_[sender.wire]->unreachable_arrives(sender.socket, to);
  });
}

void SimulatedNetwork::set_silent(const IpAddress& address, bool silent) {
  if (silent) {
    silent_.insert(address);
  } else {
    silent_.erase(address);
  }
  for (SimulatedWire* wire : wires_) {
    if (wire != nullptr) wire->set_silent(address, silent);
  }
}

void SimulatedNetwork::break_streams(const IpAddress& a, const IpAddress& b) {
  for (SimulatedWire* wire : wires_) {
    if (wire != nullptr) wire->break_streams(a, b);
  }
}

Simulation::Simulation(std::uint64_t seed, TimePoint start)
    : network_(std::make_shared<SimulatedNetwork>(seed, start)) {}
Simulation::~Simulation() = default;

std::unique_ptr<Wire> Simulation::make_wire() {
  return std::make_unique<SimulatedWire>(network_);
}
std::unique_ptr<Resolver> Simulation::make_resolver() {
  return make_simulated_resolver(network_);
}

void Simulation::add_host(std::string_view name, const IpAddress& address) {
  std::vector<IpAddress>& addresses = network_->hosts[to_lower(name)];
  const auto behind =
      address.is_v6() ? addresses.end()
                      : std::find_if(addresses.begin(), addresses.end(), [](const IpAddress& a) { return a.is_v6(); });
  addresses.insert(behind, address);
}

void Simulation::add_service(std::string_view name, SrvRecord record) {
  auto& records = network_->services[to_lower(name)];
  records.push_back(std::move(record));
  std::sort(records.begin(), records.end());
}
void Simulation::add_pointer(std::string_view name, NaptrRecord record) {
  auto& records = network_->pointers[to_lower(name)];
  records.push_back(std::move(record));
  std::sort(records.begin(), records.end());
}
void Simulation::set_failing(std::string_view name) {
  network_->failing_names.insert(to_lower(name));
}
void Simulation::set_dns_ttl(Duration ttl) {
  network_->dns_ttl = ttl;
}
std::size_t Simulation::dns_questions(RecordType type, std::string_view name) const {
  const auto found = network_->questions.find({type, to_lower(name)});
  return found == network_->questions.end() ? 0 : found->second;
}
void Simulation::set_dns_delay(Duration delay) {
  network_->dns_delay = delay;
}
void Simulation::set_weather(const Weather& weather) {
  network_->weather = weather;
}
void Simulation::set_filter(SimulatedNetwork::Filter drop) {
  network_->filter = std::move(drop);
}
void Simulation::set_silent(const IpAddress& address, bool silent) {
  network_->set_silent(address, silent);
}
void Simulation::break_streams(const IpAddress& a, const IpAddress& b) {
  network_->break_streams(a, b);
}
TimePoint Simulation::now() const {
  return network_->now();
}
std::uint64_t Simulation::datagrams_sent() const {
  return network_->datagrams_sent;
}

void Simulation::run_for(Duration duration) {
  const TimePoint end = now() + duration;
  while (network_->next_time() <= end) network_->step();
  network_->set_now(end);
}

bool Simulation::run_until_quiet(Duration quiet, Duration limit) {
  const TimePoint end = now() + limit;
  for (;;) {
    const TimePoint next = network_->next_time();
    if (next == never || next - now() > quiet) return true;
    if (next > end) break;
    network_->step();
  }
  network_->set_now(end);
  return false;
}

}  // namespace bellhop::net
