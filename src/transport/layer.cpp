#include "transport/layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "crypto/tls_identity.hpp"
#include "sip/message.hpp"
#include "transport/guard_rules.hpp"
#include "transport/reply.hpp"
#include "transport/stun.hpp"

namespace bellhop::transport {

using net::CloseReason;
using net::Flow;
using net::SocketId;
using net::StreamId;
using observe::Level;
using observe::Tag;

struct Layer::Listener {
  sip::Transport transport = sip::Transport::udp;
  Endpoint address;     ///< as bound
  std::string sent_by;  ///< empty: depends on the peer
  crypto::ClientCertificate client_certificate = crypto::ClientCertificate::none;
};

struct Layer::Connection {
  explicit Connection(Channel made) : channel(std::move(made)) {}
  Flow flow;
  Channel channel;
  TimePoint last_activity{};
  TimePoint incomplete_since = never;
  TimePoint connecting_since = never;
  TimePoint opening_since = never;  ///< handshakes of TLS and WebSocket
  TimePoint pinged = never;
  net::Timer timer;
  bool accepted = false;  ///< it came to us
  bool closing = false;
};

/// The two ends of a connection's channel: the wire, and the receiver behind the guard.
class Layer::Ends final : public Channel::Ends {
 public:
  Ends(Layer& layer, Connection& connection, TimePoint now) : layer_(layer), connection_(connection), now_(now) {}
  void write(std::string_view octets) override {
    layer_.env_.wire.send_stream(connection_.flow.stream, octets, layer_.config_->tcp.output_limit);
  }
  bool on_message(std::string_view octets) override {
    connection_.incomplete_since = never;
    const Flow flow = connection_.flow;
    if (layer_.guarded(flow, octets, now_)) layer_.env_.receiver.on_message(flow, octets, now_);
    return !connection_.closing;
  }
  void on_unframed(std::string_view octets, const sip::ParseRefusal& refusal) override {
    layer_.env_.receiver.on_unframed(connection_.flow, octets, refusal, now_);
  }
  void on_keepalive() override { layer_.keepalives_.add(); }
  void on_open() override { layer_.on_open(connection_, now_); }

 private:
  Layer& layer_;
  Connection& connection_;
  TimePoint now_;
};

Layer::Layer(const Environment& environment, config::SnapshotPtr config)
    : env_(environment),
      local_addresses_(64),
      keepalives_(env_.metrics.counter("transport.keepalives")),
      rejected_connections_(env_.metrics.counter("transport.connections.rejected")),
      timed_out_connections_(env_.metrics.counter("transport.connections.timed_out")),
      tls_handshakes_(env_.metrics.counter("tls.handshakes")),
      tls_resumed_(env_.metrics.counter("tls.resumed")),
      handshake_failures_(env_.metrics.counter("transport.handshakes.failed")) {
  apply(std::move(config));
}

Layer::~Layer() = default;

void Layer::apply(config::SnapshotPtr config) {
  config_ = std::move(config);
  rules_ = rules_of(*config_);
  limits_.message_size = config_->sip.max_message_size;
  limits_.header_block_size = config_->sip.max_header_block;
  websocket_rules_ = {config_->sip.max_message_size, config_->websocket.origins};
  for (const auto& connection : connections_)  // the intervals may be others now
    if (connection != nullptr && !connection->closing) arm(*connection, env_.wire.now());
}

namespace {

crypto::ClientCertificate policy_of(config::ClientCertificate wanted) {
  switch (wanted) {
    case config::ClientCertificate::none: return crypto::ClientCertificate::none;
    case config::ClientCertificate::optional: return crypto::ClientCertificate::optional;
    case config::ClientCertificate::required: return crypto::ClientCertificate::required;
  }
  return crypto::ClientCertificate::none;
}

}  // namespace

Result<void, std::string> Layer::open() {
  for (const config::Listen& listen : config_->listen) {
    net::SocketOptions options;
    options.tos = listen.transport == sip::Transport::udp ? config_->sip.tos : std::uint8_t{0};
    const auto opened = listen.transport == sip::Transport::udp ? env_.wire.open_datagram(listen.address, options)
                                                                : env_.wire.listen_stream(listen.address, options);
    if (!opened)
      return failure(fmt::format("cannot listen on {} {}: {}", sip::param_name(listen.transport),
                                 listen.address.to_string(), net::text_of(opened.error())));
    Listener listener{listen.transport, env_.wire.local_endpoint(*opened), listen.advertise,
                      policy_of(listen.client_certificate)};
    if (listener.sent_by.empty() && !listener.address.address.is_unspecified())
      listener.sent_by = listener.address.to_string();
    if (listeners_.size() <= *opened) listeners_.resize(*opened + 1u);
    listeners_[*opened] = std::move(listener);
  }
  return {};
}

// ---- datagrams

void Layer::on_datagram(SocketId socket, const Endpoint& from, std::string_view octets, TimePoint now) {
  // Keep-alives and probes: nothing that could be a start line (threats 2).
  constexpr std::string_view idle("\r\n \t\0", 5);
  const auto is_idle = [&] {
    return octets.front() <= ' ' && octets.find_first_not_of(idle) == std::string_view::npos;
  };
  if (octets.size() < 20 || is_idle()) {
    keepalives_.add();
    return;
  }
  const Flow flow = datagram_flow(socket, from);
  if (config_->nat.stun && is_stun(octets)) {
    keepalives_.add();
    stun_answer_.clear();
    // Not counted as requests are: a hundred phones behind one NAT ask all day, and an answer is never three times as
    // long.
    if (env_.guard.look(from.address, rules_, now) == guard::Verdict::pass && answer_stun(octets, from, stun_answer_))
      env_.wire.send_datagram(socket, from, stun_answer_);
    return;
  }
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
  const auto verdict = response ? env_.guard.look(from.remote.address, rules_, now)
                                : env_.guard.judge(from.remote.address, octets, rules_, now);
  return verdict == guard::Verdict::pass;
}

void Layer::count(guard::Evidence evidence, const Flow& from, bool forgeable, std::string_view octets, TimePoint now,
                  std::uint64_t as) {
  env_.guard.count(evidence, from.remote.address, octets, forgeable, rules_, now, as);
}

const config::Peer* Layer::peer_of(const Flow& flow) const {
  if (config_->peers.empty()) return nullptr;
  if (const config::Peer* peer = config_->peer_at(flow.remote.address)) return peer;
  if (!sip::is_secure(flow.transport)) return nullptr;
  const auto proven = identities(flow);
  const auto is_proven = [&](const std::string& name) {
    return std::any_of(proven.begin(), proven.end(), [&](const auto& p) { return crypto::same_sip_domain(p, name); });
  };
  const auto peer = std::find_if(config_->peers.begin(), config_->peers.end(), [&](const config::Peer& p) {
    return std::any_of(p.certificates.begin(), p.certificates.end(), is_proven);
  });
  return peer == config_->peers.end() ? nullptr : &*peer;
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

Layer::Connection* Layer::find_usable(StreamId stream) const {
  Connection* connection = find(stream);
  return connection != nullptr && !connection->closing ? connection : nullptr;
}

void Layer::adopt(StreamId stream, std::unique_ptr<Connection> connection, TimePoint now) {
  if (connections_.size() <= stream.index) connections_.resize(stream.index + 1u);
  connection->flow.stream = stream;
  connection->flow.shard = env_.shard;
  connection->last_activity = now;
  connection->timer.set_token((std::uint64_t{env_.timer_kind} << 56) | stream.index);
  arm(*connection, now);
  connections_[stream.index] = std::move(connection);
}

/// Whoever is exempt from the guard's judgement may take all the places: a proxy or a gateway is one address.
bool Layer::admit(const IpAddress& remote, TimePoint now) {
  const config::Tcp& tcp = config_->tcp;
  const bool exempt = !env_.guard.judges(remote, rules_, now) &&  // nor denied, as we may be told to connect there
                      env_.guard.look(remote, rules_, now) == guard::Verdict::pass;
  return env_.connections.admit(remote, tcp.connections, exempt ? tcp.connections : tcp.connections_per_address);
}

void Layer::on_accept(SocketId listener, StreamId stream, const Endpoint& local, const Endpoint& remote,
                      TimePoint now) {
  const bool heard = env_.guard.look(remote.address, rules_, now) == guard::Verdict::pass;
  if (!heard || !admit(remote.address, now)) {
    rejected_connections_.add();
    env_.log(Tag::net, Level::problems, "connection refused source={} reason=\"{}\"", remote.to_string(),
             heard ? "too many connections" : "denied or banned");
    env_.wire.close(stream, Duration::zero());
    return;
  }
  auto channel = accepted_channel(listener, now);
  if (!channel) {  // a reload took the certificate away
    env_.connections.leave(remote.address);
    env_.wire.close(stream, Duration::zero());
    return;
  }
  auto connection = std::make_unique<Connection>(std::move(*channel));
  connection->flow.transport = listeners_[listener].transport;
  connection->flow.socket = listener;
  connection->flow.local = local;
  connection->flow.remote = remote;
  connection->accepted = true;
  if (!connection->channel.open()) connection->opening_since = now;
  Connection& added = *connection;
  adopt(stream, std::move(connection), now);
  env_.connections.add(added.flow);
  env_.log(Tag::net, Level::low_level, "connection accepted {} {}", sip::param_name(added.flow.transport),
           remote.to_string());
}

std::optional<Channel> Layer::accepted_channel(SocketId listener, TimePoint now) const {
  const sip::Transport transport = listeners_[listener].transport;
  if (!sip::is_secure(transport)) return Channel(transport, websocket_rules_);
  if (!config_->tls_context) return std::nullopt;
  const crypto::TlsAccept how{listeners_[listener].client_certificate,
                              transport == sip::Transport::wss ? "http/1.1" : ""};
  return Channel(transport, websocket_rules_, crypto::TlsSession::accept(config_->tls_context, how, now));
}

/// We open tcp and tls; browsers come to us (RFC 7118 section 5). `hello` is what TLS has to say first.
std::optional<Channel> Layer::opened_channel(const Target& target, TimePoint now, std::string& hello) const {
  if (target.transport == sip::Transport::tcp) return Channel(target.transport, websocket_rules_);
  if (target.transport != sip::Transport::tls || !config_->tls_context) return std::nullopt;
  crypto::TlsConnect how;
  how.server_name = target.server_name;
  how.verify = config_->tls.verify_servers;
  return Channel(target.transport, websocket_rules_,
                 crypto::TlsSession::connect(config_->tls_context, how, now, hello));
}

std::optional<Flow> Layer::open_stream(const Target& target, SocketId listener, TimePoint now) {
  std::string hello;
  auto channel = opened_channel(target, now, hello);
  if (!channel) return std::nullopt;
  if (!admit(target.endpoint.address, now)) {
    rejected_connections_.add();
    return std::nullopt;
  }
  const Listener& from = listeners_[listener];
  std::optional<IpAddress> local;
  if (!from.address.address.is_unspecified()) local = from.address.address;
  const StreamId stream = env_.wire.connect(target.endpoint, local, net::SocketOptions{});
  auto connection = std::make_unique<Connection>(std::move(*channel));
  connection->flow.transport = target.transport;
  connection->flow.socket = listener;
  connection->flow.local = from.address;
  connection->flow.remote = target.endpoint;
  connection->connecting_since = now;
  Connection& added = *connection;
  adopt(stream, std::move(connection), now);
  env_.connections.add(added.flow, target.server_name);
  if (!hello.empty()) env_.wire.send_stream(stream, hello, config_->tcp.output_limit);
  return added.flow;
}

void Layer::on_connected(StreamId stream, const Endpoint& local, TimePoint now) {
  Connection* connection = find(stream);
  if (connection == nullptr) return;
  connection->connecting_since = never;
  connection->flow.local = local;
  connection->last_activity = now;
  if (!connection->channel.open()) connection->opening_since = now;
  arm(*connection, now);
}

void Layer::on_stream_data(StreamId stream, std::string_view octets, TimePoint now) {
  Connection* connection = find(stream);
  if (connection == nullptr || connection->closing) return;
  connection->last_activity = now;
  Ends ends(*this, *connection, now);
  const auto verdict = connection->channel.receive(octets, limits_, ends);
  if (connection->closing) return;
  if (verdict == Channel::Verdict::refuse) {
    if (connection->opening_since != never) on_bad_handshake(*connection, now);
    env_.log(Tag::net, Level::problems, "connection closed {} {} reason=\"{}\"",
             sip::param_name(connection->flow.transport), connection->flow.remote.to_string(),
             connection->channel.fault());
  }
  if (verdict != Channel::Verdict::go_on) return end(*connection, seconds(2));
  if (!connection->channel.incomplete()) {
    connection->incomplete_since = never;
  } else if (connection->incomplete_since == never) {
    connection->incomplete_since = now;
    arm(*connection, now);
  }
}

/// The handshakes are over: the peer is who it proved to be, and what waited has left.
void Layer::on_open(Connection& connection, TimePoint now) {
  connection.opening_since = never;
  if (connection.channel.has_websocket()) {
    connection.pinged = now;  // from here on the interval counts, also one that a reload brings
    arm(connection, now);
  }
  const crypto::TlsSession* tls = connection.channel.tls();
  if (tls == nullptr) return;
  tls_handshakes_.add();
  if (tls->resumed()) tls_resumed_.add();
  if (auto identities = tls->peer_names(); !identities.empty())
    env_.connections.set_identities(connection.flow, std::move(identities));
  const std::string& doubt = tls->peer_doubt();
  env_.log(Tag::net, Level::low_level, "{} with {}: {} {}{}{}{}", tls->version(), connection.flow.remote.to_string(),
           tls->cipher(), tls->server_name(), tls->resumed() ? " resumed" : "",
           doubt.empty() ? "" : " certificate not believed: ", doubt);
}

/// A handshake costs us much and its client little: those that come to nothing count as malformed messages do.
void Layer::on_bad_handshake(const Connection& connection, TimePoint now) {
  handshake_failures_.add();
  if (connection.accepted)
    count(guard::Evidence::malformed, connection.flow, false,
          fmt::format(FMT_STRING("{} handshake: {}"), sip::param_name(connection.flow.transport),
                      connection.channel.fault().empty() ? "timed out" : connection.channel.fault()),
          now);
}

bool Layer::send_over(Connection& connection, std::string_view octets) {
  if (connection.channel.plain())
    return env_.wire.send_stream(connection.flow.stream, octets, config_->tcp.output_limit);
  Ends ends(*this, connection, connection.last_activity);
  return connection.channel.send(octets, config_->tcp.output_limit, ends);
}

/// Ends a connection; the peer is told first when there is time for it. Nobody is to find it from now on.
void Layer::end(Connection& connection, Duration linger) {
  Ends ends(*this, connection, connection.last_activity);
  if (linger > Duration::zero()) connection.channel.close(ends);
  connection.closing = true;
  env_.wire.close(connection.flow.stream, linger);
  forget(connection.flow, env_.wire.now());
}

void Layer::forget(const Flow& flow, TimePoint now) {
  if (const auto users = env_.connections.remove(flow); !users.empty()) env_.receiver.on_users_lost(flow, users, now);
}

void Layer::on_closed(StreamId stream, CloseReason reason, TimePoint now) {
  Connection* connection = find(stream);
  if (connection == nullptr) return;  // refused at accept
  const Flow flow = connection->flow;
  env_.connections.leave(flow.remote.address);
  connections_[stream.index].reset();
  forget(flow, now);
  env_.log(Tag::net, Level::low_level, "connection ended {} {} reason={}", sip::param_name(flow.transport),
           flow.remote.to_string(), net::name_of(reason));
  env_.receiver.on_flow_failed(flow, reason, now);
}

void Layer::arm(Connection& connection, TimePoint now) {
  TimePoint deadline = connection.last_activity + config_->tcp.idle_timeout;
  const auto by = [&](TimePoint since, Duration interval) {
    if (since != never) deadline = std::min(deadline, since + interval);
  };
  by(connection.incomplete_since, config_->tcp.message_timeout);
  by(connection.connecting_since, config_->tcp.connect_timeout);
  by(connection.opening_since, config_->tls.handshake_timeout);
  if (config_->websocket.ping_interval > Duration::zero()) by(connection.pinged, config_->websocket.ping_interval);
  env_.wheel.arm(connection.timer, std::max(deadline, now));
}

void Layer::on_timer(std::uint64_t token, TimePoint now) {
  const auto index = static_cast<std::uint32_t>(token);
  if (index < connections_.size() && connections_[index] != nullptr) look_after(*connections_[index], now);
}

void Layer::look_after(Connection& connection, TimePoint now) {
  const auto over = [&](TimePoint since, Duration interval) { return since != never && now >= since + interval; };
  const config::Tcp& tcp = config_->tcp;
  const bool incomplete = over(connection.incomplete_since, tcp.message_timeout);
  const bool handshake = over(connection.opening_since, config_->tls.handshake_timeout);
  bool silent = false;
  const Duration ping_interval = config_->websocket.ping_interval;
  if (ping_interval > Duration::zero() && over(connection.pinged, ping_interval)) {
    silent = !connection.channel.heard();
    connection.pinged = now;
    Ends ends(*this, connection, now);
    if (!silent) connection.channel.ping(ends);
  }
  std::string_view reason;
  if (incomplete)
    reason = "incomplete message";
  else if (handshake)
    reason = "handshake timed out";
  else if (over(connection.connecting_since, tcp.connect_timeout))
    reason = "connect timed out";
  else if (silent)
    reason = "no answer to a ping";
  else if (over(connection.last_activity, tcp.idle_timeout))
    reason = "idle";
  if (reason.empty()) return arm(connection, now);
  if (handshake) on_bad_handshake(connection, now);
  timed_out_connections_.add();
  env_.log(Tag::net, incomplete || handshake ? Level::problems : Level::low_level, "connection closed {} reason=\"{}\"",
           connection.flow.remote.to_string(), reason);
  end(connection, Duration::zero());
}

// ---- the way out

namespace {

/// Where a response goes whose connection is gone. Nothing for a request.
std::optional<Target> target_of_response(const Flow& gone, std::string_view octets) {
  sip::Message response;
  if (!octets.starts_with("SIP/2.0 ") || !response.parse(octets, sip::Limits{}, /*stream=*/true)) return std::nullopt;
  return target_of_via(response.top_via(), gone.transport, gone.remote.address);
}

}  // namespace

void Layer::send(const Flow& to, std::string_view octets) {
  if (!to.is_stream()) {
    env_.wire.send_datagram(to.socket, to.remote, octets);
  } else if (to.shard != env_.shard) {
    env_.receiver.post_send(to, octets);
  } else if (Connection* connection = find_usable(to.stream)) {
    connection->last_activity = env_.wire.now();
    if (!send_over(*connection, octets)) env_.receiver.post_send(to, {});
  } else if (const auto another = env_.connections.find(to.transport, to.remote); another && is_alive(*another)) {
    // RFC 3261 section 18.2.2: the connection is gone, but the peer has another one open from the same address.
    send(*another, octets);
  } else if (const auto target = target_of_response(to, octets)) {
    if (const auto again = flow_for_response(*target, to.socket, env_.wire.now())) send(*again, octets);
  } else {
    env_.receiver.post_send(to, {});  // nobody has it: the shard reports the failure on its next turn
  }
}

void Layer::ping(const Flow& to) {
  if (sip::is_websocket(to.transport) || !is_alive(to)) return;
  send(to, "\r\n\r\n");
}

void Layer::probe(const Flow& flow) {
  if (!flow.is_stream()) return;
  if (flow.shard != env_.shard) return env_.receiver.post_probe(flow);
  if (find(flow.stream) != nullptr) env_.wire.set_keepalive(flow.stream, config_->tcp.keepalive);
}

/// A flow may be older than this process, or come back from a peer: nothing in it but our signature is to be relied on.
bool Layer::is_alive(const Flow& flow) const {
  if (flow.socket >= listeners_.size()) return false;
  const Listener& listener = listeners_[flow.socket];
  if (listener.transport != flow.transport || listener.address.address.is_v6() != flow.remote.address.is_v6())
    return false;
  if (!flow.is_stream()) return is_sendable(flow.remote);
  if (!flow.stream.valid()) return false;
  if (flow.shard != env_.shard) return env_.connections.holds(flow);
  const Connection* connection = find_usable(flow.stream);
  return connection != nullptr && connection->flow.remote == flow.remote;
}

std::optional<SocketId> Layer::listener_for(const Target& target, std::optional<SocketId> preferred) const {
  const config::Zone* zone = config_->zone_of(target.endpoint.address);
  const auto in_zone = [zone](const Listener& l) {
    return zone == nullptr || zone->listeners.empty() ||
           std::find(zone->listeners.begin(), zone->listeners.end(), l.address) != zone->listeners.end();
  };
  const auto fits = [&](const Listener& l) {
    return l.transport == target.transport && l.address.address.is_v6() == target.endpoint.address.is_v6() &&
           in_zone(l) &&
           (l.address.address.is_unspecified() ||
            l.address.address.is_loopback() == target.endpoint.address.is_loopback());
  };
  if (preferred && *preferred < listeners_.size() && fits(listeners_[*preferred])) return preferred;
  // A listener on the address of the preferred one (TCP and UDP on one address) keeps Via and Record-Route consistent.
  if (preferred && *preferred < listeners_.size())
    for (std::size_t i = 0; i < listeners_.size(); ++i)
      if (fits(listeners_[i]) && listeners_[i].address.address == listeners_[*preferred].address.address)
        return static_cast<SocketId>(i);
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
  const bool proving = sip::is_secure(target.transport) && config_->tls.verify_servers;
  const auto found = proving ? env_.connections.find(target.transport, target.endpoint, target.server_name)
                             : env_.connections.find(target.transport, target.endpoint);
  if (found && is_alive(*found)) return found;
  return open_stream(target, *listener, now);
}

std::optional<Flow> Layer::flow_for_response(const Target& target, std::optional<SocketId> preferred, TimePoint now) {
  const auto found = env_.connections.find(target.transport, target.endpoint);
  return found && is_alive(*found) ? found : flow_to(target, preferred, now);
}

IpAddress Layer::local_address_for(const IpAddress& remote, TimePoint now) const {
  LocalAddress& cached = local_addresses_[hash_of(Endpoint{remote, 0}) % local_addresses_.size()];
  if (cached.remote != remote || cached.until <= now)
    cached = {remote, env_.wire.source_address_for(remote), now + seconds(60)};
  return cached.local;
}

void Layer::append_sent_by(std::string& out, const Flow& flow) const {
  const Listener& listener = listeners_[flow.socket];
  if (const config::Zone* zone = config_->zone_of(flow.remote.address); zone != nullptr && !zone->advertise.empty()) {
    out += zone->advertise;
    const bool with_port = zone->advertise.back() != ']' && zone->advertise.find(':') != std::string::npos;
    if (!with_port && listener.address.port != sip::default_port(listener.transport))
      fmt::format_to(std::back_inserter(out), ":{}", listener.address.port);
    return;
  }
  if (!listener.sent_by.empty()) {
    out += listener.sent_by;
    return;
  }
  IpAddress address = flow.local.address;
  if (address.is_unspecified()) address = local_address_for(flow.remote.address, env_.wire.now());
  out += Endpoint{address, listener.address.port}.to_string();
}

}  // namespace bellhop::transport
