#include "net/simulated_wire.hpp"

#include <algorithm>

namespace bellhop::net {

namespace {
constexpr std::size_t largest_payload = 65507;
}

SimulatedWire::SimulatedWire(std::shared_ptr<SimulatedNetwork> network)
    : network_(std::move(network)), number_(network_->add_wire(*this)) {}

SimulatedWire::~SimulatedWire() {
  streams_.for_each([this](StreamId, Stream& stream) {
    if (stream.state != Stream::State::ended) to_peer(stream, &SimulatedWire::fin_arrives);
  });
  for (std::size_t i = 0; i < sockets_.size(); ++i) close_socket(static_cast<SocketId>(i));
  network_->remove_wire(number_);
}

Result<SocketId, OpenError> SimulatedWire::open(SimulatedNetwork::Addresses& addresses, const Endpoint& local,
                                                bool shared) {
  const auto id = static_cast<SocketId>(sockets_.size());
  const auto bound = network_->open(addresses, local, {number_, id, shared});
  if (!bound) return failure(bound.error());
  sockets_.push_back({&addresses, *bound, shared});
  return id;
}

Result<SocketId, OpenError> SimulatedWire::open_datagram(const Endpoint& local, const SocketOptions& options) {
  return open(network_->datagram_sockets, local, options.shared);
}

Result<SocketId, OpenError> SimulatedWire::listen_stream(const Endpoint& local, const SocketOptions& options) {
  return open(network_->listeners, local, options.shared);
}

Endpoint SimulatedWire::local_endpoint(SocketId socket) const {
  return socket < sockets_.size() ? sockets_[socket].local : Endpoint{};
}

void SimulatedWire::close_socket(SocketId socket) {
  if (socket >= sockets_.size() || sockets_[socket].addresses == nullptr) return;
  network_->close(*sockets_[socket].addresses, sockets_[socket].local, {number_, socket, false});
  sockets_[socket].addresses = nullptr;
}

void SimulatedWire::send_datagram(SocketId socket, const Endpoint& to, std::string_view octets) {
  if (socket >= sockets_.size() || sockets_[socket].addresses != &network_->datagram_sockets) return;
  const Endpoint& from = sockets_[socket].local;
  if (from.address.is_v6() != to.address.is_v6() || octets.size() > largest_payload) return;
  network_->send_datagram({number_, socket, false}, from, to, octets);
}

void SimulatedWire::datagram_arrives(SocketId socket, const Endpoint& from, std::string_view octets) {
  touched_ = true;
  if (handler_ != nullptr) handler_->on_datagram(socket, from, octets, now());
}

void SimulatedWire::unreachable_arrives(SocketId socket, const Endpoint& to) {
  if (handler_ == nullptr || sockets_[socket].addresses == nullptr) return;
  touched_ = true;
  handler_->on_unreachable(socket, to, now());
}

TimePoint SimulatedWire::next_turn() const {
  if (touched_ || woken_.load()) return now();
  if (handler_ == nullptr) return never;
  // A handler that asks for a turn in the past gets one, but time goes on.
  return std::max(handler_->next_deadline(), last_turn_ == TimePoint::min() ? now() : last_turn_ + microseconds(1));
}

void SimulatedWire::turn() {
  touched_ = false;
  last_turn_ = now();
  const bool woken = woken_.exchange(false);
  if (handler_ != nullptr) {
    if (woken) handler_->on_wake(now());
    handler_->on_turn(now());
  }
  const auto ended = std::exchange(ended_, {});
  for (const auto& [id, reason] : ended) {
    if (handler_ != nullptr) handler_->on_closed(id, reason, now());
    streams_.erase(id);
  }
}

}  // namespace bellhop::net
