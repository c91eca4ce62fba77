#include "transport/layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "sip/message.hpp"

namespace bellhop::transport {

using net::CloseReason;
using net::Flow;
using net::SocketId;
using net::StreamId;
using observe::Level;
using observe::Tag;

struct Layer::Listener {
  sip::Transport transport = sip::Transport::udp;
  Endpoint address;      ///< as bound
  std::string sent_by;   ///< empty: depends on the peer
};

struct Layer::Connection {
  Flow flow;
  sip::StreamFramer framer;
  std::string input;               ///< an incomplete message, nothing else
  TimePoint last_activity{};
  TimePoint incomplete_since = never;
  TimePoint connecting_since = never;
  net::Timer timer;
  bool accepted = false;
  bool used_by_others = false;
  bool closing = false;
};

Layer::Layer(const Environment& environment, config::SnapshotPtr config)
    : env_(environment),
      local_addresses_(64),
      keepalives_(env_.metrics.counter("transport.keepalives")),
      rejected_connections_(env_.metrics.counter("transport.connections.rejected")),
      timed_out_connections_(env_.metrics.counter("transport.connections.timed_out")) {
  apply(std::move(config));
}

Layer::~Layer() = default;

void Layer::apply(config::SnapshotPtr config) {
  config_ = std::move(config);
  const config::Guard& guard = config_->guard;
  rules_ = {guard.exempt, guard.denied, guard.flood, guard.flood_requests, guard.flood_window, guard.flood_ban};
  limits_.message_size = config_->sip.max_message_size;
  limits_.header_block_size = config_->sip.max_header_block;
}

Result<void, std::string> Layer::open() {
  for (const config::Listen& listen : config_->listen) {
    net::SocketOptions options;
    options.tos = listen.transport == sip::Transport::udp ? config_->sip.tos : std::uint8_t{0};
    const auto opened = listen.transport == sip::Transport::udp ? env_.wire.open_datagram(listen.address, options)
                                                                : env_.wire.listen_stream(listen.address, options);
    if (!opened)
      return failure(fmt::format("cannot listen on {} {}: {}", sip::param_name(listen.transport), listen.address.to_string(),
                                 net::text_of(opened.error())));
    Listener listener{listen.transport, env_.wire.local_endpoint(*opened), listen.advertise};
    if (listener.sent_by.empty() && !listener.address.address.is_unspecified()) listener.sent_by = listener.address.to_string();
    if (listeners_.size() <= *opened) listeners_.resize(*opened + 1u);
    listeners_[*opened] = std::move(listener);
  }
  return {};
}

// ---- datagrams

void Layer::on_datagram(SocketId socket, const Endpoint& from, std::string_view octets, TimePoint now) {
  // Keep-alives and probes: nothing that could be a start line (threats 2).
  const auto first = octets.find_first_not_of(std::string_view("\r\n \t\0", 5));
  if (first == std::string_view::npos || octets.size() < 20) {
    keepalives_.add();
    return;
  }
  const Flow flow = datagram_flow(socket, from);
  if (!guarded(flow, octets, now)) return;
  env_.receiver.on_message(flow, octets, now);
}

Flow Layer::datagram_flow(SocketId socket, const Endpoint& remote) {
  Flow flow;
  flow.transport = sip::Transport::udp;
  flow.shard = env_.shard;
  flow.socket = socket;
  flow.local = listeners_[socket].address;
  flow.remote = remote;
  return flow;
}

bool Layer::guarded(const Flow& from, std::string_view octets, TimePoint now) {
  const bool response = octets.starts_with("SIP/2.0 ");
  const auto verdict = response ? env_.guard.look(from.remote.address, rules_, now) : env_.guard.judge(from.remote.address, rules_, now);
  if (verdict == guard::Verdict::flooded)
    env_.log(Tag::guard, Level::problems, "banned source={} for={}s reason=\"more than {} requests in {} ms\"",
             from.remote.address.to_string(), rules_.flood_ban / seconds(1), rules_.flood_requests, rules_.flood_window / milliseconds(1));
  return verdict == guard::Verdict::pass;
}

void Layer::on_unreachable(SocketId socket, const Endpoint& to, TimePoint now) {
  env_.receiver.on_flow_failed(datagram_flow(socket, to), CloseReason::unreachable, now);
}

// ---- connections

Layer::Connection* Layer::find(StreamId stream) const {
  if (stream.index >= connections_.size()) return nullptr;
  Connection* connection = connections_[stream.index].get();
  return connection != nullptr && connection->flow.stream == stream ? connection : nullptr;
}

void Layer::adopt(StreamId stream, std::unique_ptr<Connection> connection, TimePoint now) {
  if (connections_.size() <= stream.index) connections_.resize(stream.index + 1u);
  connection->flow.stream = stream;
  connection->flow.shard = env_.shard;
  connection->last_activity = now;
  connection->timer.set_token((std::uint64_t{env_.timer_kind} << 56) | stream.index);
  arm(*connection, now);
  connections_[stream.index] = std::move(connection);
  ++open_;
}

void Layer::on_accept(SocketId listener, StreamId stream, const Endpoint& local, const Endpoint& remote, TimePoint now) {
  const bool heard = env_.guard.look(remote.address, rules_, now) == guard::Verdict::pass;
  if (!heard || !env_.connections.admit(remote.address, config_->tcp.connections, config_->tcp.connections_per_address)) {
    rejected_connections_.add();
    env_.log(Tag::net, Level::problems, "connection refused source={} reason=\"{}\"", remote.to_string(),
             heard ? "too many connections" : "denied or banned");
    env_.wire.close(stream, Duration::zero());
    return;
  }
  auto connection = std::make_unique<Connection>();
  connection->flow.transport = listeners_[listener].transport;
  connection->flow.socket = listener;
  connection->flow.local = local;
  connection->flow.remote = remote;
  connection->accepted = true;
  Connection& added = *connection;
  adopt(stream, std::move(connection), now);
  env_.connections.add(added.flow);
  env_.log(Tag::net, Level::low_level, "connection accepted {} {}", sip::param_name(added.flow.transport), remote.to_string());
}

std::optional<Flow> Layer::open_stream(const Target& target, SocketId listener, TimePoint now) {
  if (!env_.connections.admit(target.endpoint.address, config_->tcp.connections, config_->tcp.connections_per_address)) {
    rejected_connections_.add();
    return std::nullopt;
  }
  const Listener& from = listeners_[listener];
  std::optional<IpAddress> local;
  if (!from.address.address.is_unspecified()) local = from.address.address;
  const StreamId stream = env_.wire.connect(target.endpoint, local, net::SocketOptions{});
  auto connection = std::make_unique<Connection>();
  connection->flow.transport = target.transport;
  connection->flow.socket = listener;
  connection->flow.local = from.address;
  connection->flow.remote = target.endpoint;
  connection->connecting_since = now;
  Connection& added = *connection;
  adopt(stream, std::move(connection), now);
  env_.connections.add(added.flow);
  return added.flow;
}

void Layer::on_connected(StreamId stream, const Endpoint& local, TimePoint now) {
  Connection* connection = find(stream);
  if (connection == nullptr) return;
  connection->connecting_since = never;
  connection->flow.local = local;
  connection->last_activity = now;
  arm(*connection, now);
}

void Layer::on_stream_data(StreamId stream, std::string_view octets, TimePoint now) {
  Connection* connection = find(stream);
  if (connection == nullptr || connection->closing) return;
  connection->last_activity = now;
  take_input(*connection, octets, now);
}

/// Frames straight out of the wire's buffer; only what is left of an incomplete message is kept.
void Layer::take_input(Connection& connection, std::string_view octets, TimePoint now) {
  const StreamId stream = connection.flow.stream;
  if (connection.input.empty()) {
    const std::size_t used = frame(connection, octets, now);
    if (find(stream) == nullptr || connection.closing) return;
    connection.input.assign(octets.substr(used));
  } else {
    connection.input.append(octets);
    const std::string whole = std::move(connection.input);
    connection.input = {};
    const std::size_t used = frame(connection, whole, now);
    if (find(stream) == nullptr || connection.closing) return;
    connection.input.assign(whole, used, std::string::npos);
  }
  if (connection.input.empty()) {
    connection.input.shrink_to_fit();
    connection.incomplete_since = never;
  } else if (connection.incomplete_since == never) {
    connection.incomplete_since = now;
    arm(connection, now);
  }
}

/// Hands every whole message up; returns how many octets were used.
std::size_t Layer::frame(Connection& connection, std::string_view unread, TimePoint now) {
  const Flow flow = connection.flow;
  std::size_t used = 0;
  while (used < unread.size()) {
    const auto found = connection.framer.look(unread.substr(used), limits_);
    using Outcome = sip::StreamFramer::Outcome;
    if (found.outcome == Outcome::need_more) break;
    if (found.outcome == Outcome::refused) {
      env_.receiver.on_unframed(flow, unread.substr(used), found.refusal, now);
      connection.closing = true;
      env_.wire.close(flow.stream, seconds(2));
      return unread.size();
    }
    connection.framer.consumed();
    connection.incomplete_since = never;
    const std::string_view piece = unread.substr(used, found.size);
    used += found.size;
    if (found.outcome == Outcome::ping) {
      keepalives_.add();
      env_.wire.send_stream(flow.stream, "\r\n", config_->tcp.output_limit);
    } else if (found.outcome == Outcome::message) {
      if (!guarded(flow, piece, now)) continue;
      env_.receiver.on_message(flow, piece, now);
      if (find(flow.stream) == nullptr || connection.closing) return unread.size();
    }
  }
  return used;
}

void Layer::on_closed(StreamId stream, CloseReason reason, TimePoint now) {
  Connection* connection = find(stream);
  if (connection == nullptr) return;  // refused at accept
  const Flow flow = connection->flow;
  env_.connections.remove(flow);
  env_.connections.leave(flow.remote.address);
  connections_[stream.index].reset();
  --open_;
  env_.log(Tag::net, Level::low_level, "connection ended {} {} reason={}", sip::param_name(flow.transport), flow.remote.to_string(),
           net::name_of(reason));
  env_.receiver.on_flow_failed(flow, reason, now);
}

void Layer::arm(Connection& connection, TimePoint now) {
  TimePoint deadline = connection.last_activity + config_->tcp.idle_timeout;
  if (connection.incomplete_since != never) deadline = std::min(deadline, connection.incomplete_since + config_->tcp.message_timeout);
  if (connection.connecting_since != never) deadline = std::min(deadline, connection.connecting_since + config_->tcp.connect_timeout);
  env_.wheel.arm(connection.timer, std::max(deadline, now));
}

void Layer::on_timer(std::uint64_t token, TimePoint now) {
  const auto index = static_cast<std::uint32_t>(token);
  if (index >= connections_.size() || connections_[index] == nullptr) return;
  Connection& connection = *connections_[index];
  const bool idle = now >= connection.last_activity + config_->tcp.idle_timeout;
  const bool incomplete = connection.incomplete_since != never && now >= connection.incomplete_since + config_->tcp.message_timeout;
  const bool unconnected = connection.connecting_since != never && now >= connection.connecting_since + config_->tcp.connect_timeout;
  if (!idle && !incomplete && !unconnected) return arm(connection, now);
  timed_out_connections_.add();
  env_.log(Tag::net, incomplete ? Level::problems : Level::low_level, "connection closed {} reason=\"{}\"",
           connection.flow.remote.to_string(), incomplete ? "incomplete message" : unconnected ? "connect timed out" : "idle");
  connection.closing = true;
  env_.wire.close(connection.flow.stream, Duration::zero());
}

// ---- the way out

namespace {

/// Where a response goes whose connection is gone (RFC 3261 section 18.2.2): to the address its request came from, at the port of the
/// sent-by. Nothing for a request.
std::optional<Target> target_of_response(const Flow& gone, std::string_view octets) {
  sip::Message response;
  if (!octets.starts_with("SIP/2.0 ") || !response.parse(octets, sip::Limits{}, /*stream=*/true)) return std::nullopt;
  const std::uint16_t port = response.top_via().port;
  return Target{gone.transport, {gone.remote.address, port != 0 ? port : sip::default_port(gone.transport)}, true};
}

}  // namespace

void Layer::send(const Flow& to, std::string_view octets) {
  if (!to.is_stream()) {
    env_.wire.send_datagram(to.socket, to.remote, octets);
  } else if (to.shard != env_.shard) {
    env_.receiver.post_send(to, octets);
  } else if (Connection* connection = find(to.stream); connection != nullptr && !connection->closing) {
    env_.wire.send_stream(to.stream, octets, config_->tcp.output_limit);
    connection->last_activity = env_.wire.now();
  } else if (const auto reopened = env_.connections.find(to.transport, to.remote); reopened && reopened->shard == env_.shard) {
    // RFC 3261 section 18.2.2: the connection is gone, but the peer has another one open from the same address.
    env_.wire.send_stream(reopened->stream, octets, config_->tcp.output_limit);
  } else if (const auto target = target_of_response(to, octets)) {
    if (const auto again = flow_to(*target, to.socket, env_.wire.now())) send(*again, octets);
  } else {
    env_.receiver.post_send(to, {});  // nobody has it: the shard reports the failure on its next turn
  }
}

bool Layer::is_alive(const Flow& flow) const {
  if (!flow.is_stream()) return flow.socket < listeners_.size();
  if (!flow.stream.valid()) return false;
  if (flow.shard == env_.shard) {
    const Connection* connection = find(flow.stream);
    return connection != nullptr && !connection->closing;
  }
  const auto found = env_.connections.find(flow.transport, flow.remote);
  return found && found->shard == flow.shard && found->stream == flow.stream;
}

void Layer::close(const Flow& flow) {
  if (Connection* connection = find(flow.stream); connection != nullptr && flow.shard == env_.shard) {
    connection->closing = true;
    env_.wire.close(flow.stream, seconds(2));
  }
}

std::optional<SocketId> Layer::listener_for(const Target& target, std::optional<SocketId> preferred) const {
  const auto fits = [&](const Listener& l) {
    return l.transport == target.transport && l.address.address.is_v6() == target.endpoint.address.is_v6() &&
           (l.address.address.is_unspecified() || l.address.address.is_loopback() == target.endpoint.address.is_loopback());
  };
  if (preferred && *preferred < listeners_.size() && fits(listeners_[*preferred])) return preferred;
  // A listener on the address of the preferred one (TCP and UDP on one address) keeps Via and Record-Route consistent.
  if (preferred && *preferred < listeners_.size())
    for (std::size_t i = 0; i < listeners_.size(); ++i)
      if (fits(listeners_[i]) && listeners_[i].address.address == listeners_[*preferred].address.address) return static_cast<SocketId>(i);
  const auto found = std::find_if(listeners_.begin(), listeners_.end(), fits);
  if (found == listeners_.end()) return std::nullopt;
  return static_cast<SocketId>(found - listeners_.begin());
}

bool Layer::can_reach(sip::Transport transport, const IpAddress& remote) const {
  return listener_for({transport, {remote, 1}, true}, std::nullopt).has_value();
}

std::optional<Flow> Layer::flow_to(const Target& target, std::optional<SocketId> preferred, TimePoint now) {
  const auto listener = listener_for(target, preferred);
  if (!listener || !is_sendable(target.endpoint)) return std::nullopt;
  if (target.transport == sip::Transport::udp) {
    Flow flow = datagram_flow(*listener, target.endpoint);
    if (flow.local.address.is_unspecified()) flow.local.address = local_address_for(target.endpoint.address, now);
    return flow;
  }
  if (auto found = env_.connections.find(target.transport, target.endpoint); found && is_alive(*found)) return found;
  return open_stream(target, *listener, now);
}

IpAddress Layer::local_address_for(const IpAddress& remote, TimePoint now) const {
  LocalAddress& cached = local_addresses_[hash_of(Endpoint{remote, 0}) % local_addresses_.size()];
  if (cached.remote != remote || cached.until <= now) cached = {remote, env_.wire.source_address_for(remote), now + seconds(60)};
  return cached.local;
}

void Layer::append_sent_by(std::string& out, const Flow& flow) const {
  const Listener& listener = listeners_[flow.socket];
  if (!listener.sent_by.empty()) {
    out += listener.sent_by;
    return;
  }
  IpAddress address = flow.local.address;
  if (address.is_unspecified()) address = local_address_for(flow.remote.address, env_.wire.now());
  out += Endpoint{address, listener.address.port}.to_string();
}

std::size_t Layer::streams() const { return open_; }

}  // namespace bellhop::transport
