#include <algorithm>

#include "net/simulated_wire.hpp"

namespace bellhop::net {

namespace {

/// What the buffers of the two kernels hold before a sender must wait for its peer to read.
constexpr std::size_t window = 64 * 1024;
/// How long Linux repeats an unanswered SYN.
constexpr Duration connect_patience = seconds(127);
/// A dead peer is noticed after this many keep-alive intervals, as KernelWire sets the socket.
constexpr int keepalive_intervals = 2;

bool matches(const IpAddress& wanted, const IpAddress& address) {
  return wanted.is_unspecified() || wanted == address;
}

}  // namespace

SimulatedWire::Stream* SimulatedWire::alive(StreamId id) {
  Stream* stream = streams_.find(id);
  return stream != nullptr && stream->state != Stream::State::ended ? stream : nullptr;
}

void SimulatedWire::later(TimePoint when, WireNumber wire, StreamId id, StreamEvent what) {
  network_->schedule(when, [network = network_.get(), wire, id, what] {
    SimulatedWire* const target = network->wire(wire);
    if (target != nullptr && target->alive(id) != nullptr) (target->*what)(id);
  });
}

TimePoint SimulatedWire::arrival(Stream& stream) {
  stream.last_arrival = std::max(now() + network_->travel_time(), stream.last_arrival);
  return stream.last_arrival;
}

void SimulatedWire::to_peer(Stream& stream, StreamEvent what) {
  if (stream.peer.valid()) later(arrival(stream), stream.peer_wire, stream.peer, what);
}

bool SimulatedWire::stands_still(const Stream& stream) const {
  return network_->silent(stream.local.address) || network_->silent(stream.remote.address);
}

IpAddress SimulatedWire::source_address_for(const IpAddress& remote) {
  for (const Socket& socket : sockets_) {
    const IpAddress& address = socket.local.address;
    if (socket.addresses != nullptr && address.is_v6() == remote.is_v6()) return address;
  }
  if (!remote.is_v6()) return IpAddress::v4({127, 0, 0, 1});
  std::array<std::uint8_t, 16> loopback{};
  loopback.back() = 1;
  return IpAddress::v6(loopback);
}

StreamId SimulatedWire::connect(const Endpoint& remote, const std::optional<IpAddress>& local,
                                const SocketOptions& /*options*/) {
  const StreamId id = streams_.emplace();
  Stream& stream = *streams_.find(id);
  stream.remote = remote;
  stream.local = {local ? *local : source_address_for(remote.address), network_->next_port()};
  if (stream.local.address.is_v6() != remote.address.is_v6()) {
    end(id, CloseReason::unreachable);
  } else if (stands_still(stream)) {
    later(now() + connect_patience, number_, id, &SimulatedWire::connect_timed_out);
  } else {
    later(arrival(stream), number_, id, &SimulatedWire::request_travels);
  }
  return id;
}

void SimulatedWire::request_travels(StreamId id) {
  const Stream& stream = *streams_.find(id);
  const auto* listener = network_->hearer(network_->listeners, stream.remote, stream.local);
  if (listener == nullptr) {
    later(now() + network_->travel_time(), number_, id, &SimulatedWire::refused);
    return;
  }
  const Endpoint remote = stream.local;
  network_->wire(listener->wire)->request_arrives(number_, id, remote, listener->socket);
}

void SimulatedWire::request_arrives(WireNumber from, StreamId peer, const Endpoint& remote, SocketId listener) {
  const StreamId id = streams_.emplace();
  Stream& stream = *streams_.find(id);
  stream.state = Stream::State::open;
  stream.peer_wire = from;
  stream.peer = peer;
  stream.local = sockets_[listener].local;
  stream.remote = remote;
  Stream& other = *network_->wire(from)->streams_.find(peer);
  other.peer_wire = number_;
  other.peer = id;
  to_peer(stream, &SimulatedWire::connected);
  touched_ = true;
  if (handler_ != nullptr) handler_->on_accept(listener, id, sockets_[listener].local, remote, now());
}

void SimulatedWire::connected(StreamId id) {
  Stream& stream = *streams_.find(id);
  touched_ = true;
  if (stream.state == Stream::State::connecting) {
    stream.state = Stream::State::open;
    const Endpoint local = stream.local;
    if (handler_ != nullptr) handler_->on_connected(id, local, now());
  }
  if (alive(id) != nullptr) push(id);
}

bool SimulatedWire::send_stream(StreamId id, std::string_view octets, std::size_t limit) {
  Stream* const stream = alive(id);
  if (stream == nullptr || stream->state == Stream::State::closing) return false;
  stream->unsent.append(octets);
  push(id);
  if (stream->unsent.size() <= limit) return true;
  to_peer(*stream, &SimulatedWire::reset_arrives);
  end(id, CloseReason::overflow);
  return false;
}

void SimulatedWire::push(StreamId id) {
  Stream& stream = *streams_.find(id);
  if (!stream.peer.valid() || stream.state == Stream::State::connecting) return;
  const std::size_t room = window - std::min(window, stream.in_network);
  const std::size_t size = std::min(room, stream.unsent.size());
  if (size > 0) {
    stream.in_network += size;
    network_->schedule(arrival(stream), [network = network_.get(), wire = stream.peer_wire, peer = stream.peer,
                                         octets = stream.unsent.substr(0, size)] {
      SimulatedWire* const target = network->wire(wire);
      if (target != nullptr && target->alive(peer) != nullptr) target->data_arrives(peer, octets);
    });
    stream.unsent.erase(0, size);
  }
  if (stream.state == Stream::State::closing && stream.unsent.empty()) {
    to_peer(stream, &SimulatedWire::fin_arrives);
    end(id, CloseReason::by_us);
  }
}

void SimulatedWire::data_arrives(StreamId id, std::string_view octets) {
  streams_.find(id)->unread.append(octets);
  deliver(id);
}

void SimulatedWire::fin_arrives(StreamId id) {
  streams_.find(id)->peer_has_closed = true;
  deliver(id);
}

void SimulatedWire::deliver(StreamId id) {
  Stream& stream = *streams_.find(id);
  if (stands_still(stream) || (stream.paused && stream.state != Stream::State::closing)) return;
  touched_ = true;
  if (const std::string octets = std::exchange(stream.unread, {}); !octets.empty()) {
    SimulatedWire* const sender = network_->wire(stream.peer_wire);
    const StreamId peer = stream.peer;
    const bool wanted = stream.state != Stream::State::closing;
    if (wanted && handler_ != nullptr) handler_->on_stream_data(id, octets, now());
    if (sender != nullptr && network_->wire(stream.peer_wire) == sender) sender->peer_has_read(peer, octets.size());
  }
  if (alive(id) == nullptr || !stream.peer_has_closed) return;  // the handler may have closed it meanwhile
  if (stream.state == Stream::State::closing) {
    end(id, CloseReason::by_us);
  } else if (!stream.paused) {
    end(id, CloseReason::by_peer);
  }
}

void SimulatedWire::peer_has_read(StreamId id, std::size_t octets) {
  Stream* const stream = alive(id);
  if (stream == nullptr) return;
  stream->in_network -= std::min(octets, stream->in_network);
  push(id);
}

void SimulatedWire::close(StreamId id, Duration linger) {
  Stream* const stream = alive(id);
  if (stream == nullptr || stream->state == Stream::State::closing) return;
  if (linger <= Duration(0) || (stream->state == Stream::State::connecting && stream->unsent.empty())) {
    to_peer(*stream, &SimulatedWire::fin_arrives);
    end(id, CloseReason::by_us);
    return;
  }
  later(now() + linger, number_, id, &SimulatedWire::linger_is_over);
  stream->state = Stream::State::closing;
  push(id);
}

void SimulatedWire::linger_is_over(StreamId id) {
  to_peer(*streams_.find(id), &SimulatedWire::fin_arrives);
  end(id, CloseReason::by_us);
}

void SimulatedWire::set_keepalive(StreamId id, Duration interval) {
  Stream* const stream = alive(id);
  if (stream == nullptr) return;
  stream->keepalive = interval;
  if (stands_still(*stream))
    later(now() + interval * keepalive_intervals, number_, id, &SimulatedWire::keepalive_gives_up);
}

void SimulatedWire::keepalive_gives_up(StreamId id) {
  const Stream& stream = *streams_.find(id);
  if (stream.keepalive > Duration(0) && stands_still(stream)) end(id, CloseReason::timed_out);
}

void SimulatedWire::pause(StreamId id, bool paused) {
  Stream* const stream = alive(id);
  if (stream == nullptr || stream->paused == paused) return;
  stream->paused = paused;
  if (!paused) later(now(), number_, id, &SimulatedWire::deliver);
}

void SimulatedWire::end(StreamId id, CloseReason reason) {
  Stream& stream = *streams_.find(id);
  stream.state = Stream::State::ended;
  stream.unsent.clear();
  stream.unread.clear();
  ended_.emplace_back(id, reason);
  touched_ = true;
}

void SimulatedWire::set_silent(const IpAddress& address, bool silent) {
  streams_.for_each([&](StreamId id, Stream& stream) {
    if (alive(id) == nullptr || (stream.local.address != address && stream.remote.address != address)) return;
    if (!silent) {
      later(now(), number_, id, &SimulatedWire::deliver);
    } else if (stream.keepalive > Duration(0)) {
      later(now() + stream.keepalive * keepalive_intervals, number_, id, &SimulatedWire::keepalive_gives_up);
    }
  });
}

void SimulatedWire::break_streams(const IpAddress& a, const IpAddress& b) {
  streams_.for_each([&](StreamId id, Stream& stream) {
    const IpAddress &local = stream.local.address, &remote = stream.remote.address;
    const bool wanted = (matches(a, local) && matches(b, remote)) || (matches(a, remote) && matches(b, local));
    if (wanted && stream.peer.valid() && alive(id) != nullptr) end(id, CloseReason::reset);
  });
}

}  // namespace bellhop::net
