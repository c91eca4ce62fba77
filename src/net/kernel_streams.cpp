#include "net/kernel_streams.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace bellhop::net {

namespace {

constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t spare_count = 32, spare_capacity = 16 * 1024;
constexpr int keepalive_probes = 3;

CloseReason reason_from(int error_number) {
  switch (error_number) {
    case ECONNREFUSED: return CloseReason::refused;
    case ETIMEDOUT: return CloseReason::timed_out;
    case ECONNRESET:
    case EPIPE:
    case 0: return CloseReason::reset;
    default: return CloseReason::unreachable;
  }
}

int pending_error(const Descriptor& socket) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

PollKey stream_key(StreamId id) {
  return {PollKind::stream, id};
}

}  // namespace

KernelStreams::KernelStreams(Poller& poller, observe::Metrics& metrics)
    : poller_(poller),
      buffer_(std::make_unique_for_overwrite<char[]>(read_size)),
      accepted_(metrics.counter("net.tcp.accepted")),
      rejected_(metrics.counter("net.tcp.rejected")),
      connected_(metrics.counter("net.tcp.connected")),
      connect_failed_(metrics.counter("net.tcp.connect_failed")),
      overflowed_(metrics.counter("net.tcp.overflowed")),
      open_(metrics.gauge("net.tcp.open")) {
  take_reserve();
}

KernelStreams::Stream* KernelStreams::alive(StreamId id) {
  Stream* stream = streams_.find(id);
  return stream != nullptr && stream->state != Stream::State::ended ? stream : nullptr;
}

StreamId KernelStreams::connect(const Endpoint& remote, const std::optional<IpAddress>& local,
                                const SocketOptions& options) {
  const StreamId id = streams_.emplace();
  open_.add(1);
  start_connect(id, *streams_.find(id), remote, local, options);
  return id;
}

void KernelStreams::start_connect(StreamId id, Stream& stream, const Endpoint& remote,
                                  const std::optional<IpAddress>& local, const SocketOptions& options) {
  stream.descriptor = make_socket(remote.address.is_v6(), SOCK_STREAM, options.tos);
  const Descriptor& socket = stream.descriptor;
  bool started = socket.valid();
  if (started && local) {
    set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    started = bind_to(socket, {*local, 0});
  }
  if (started) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    KernelAddress address;
    const socklen_t length = to_kernel(remote, address);
    started = ::connect(socket.get(), &address.any, length) == 0 || errno == EINPROGRESS;
  }
  stream.watched = EPOLLOUT;
  if (started && poller_.add(socket, stream.watched, stream_key(id))) return;
  connect_failed_.add();
  end(id, stream, reason_from(errno));
}

void KernelStreams::finish_connect(StreamId id, Stream& stream, WireHandler& handler, TimePoint now) {
  if (const int error = pending_error(stream.descriptor); error != 0) {
    connect_failed_.add();
    end(id, stream, reason_from(error));
    return;
  }
  stream.state = Stream::State::open;
  connected_.add();
  watch(id, stream);
  if (!stream.unsent.empty()) ask_flush(id, stream);
  handler.on_connected(id, local_endpoint_of(stream.descriptor), now);
}

bool KernelStreams::send(StreamId id, std::string_view octets, std::size_t limit) {
  Stream* const stream = alive(id);
  if (stream == nullptr || stream->state == Stream::State::closing || stream->state == Stream::State::shut)
    return false;
  std::string& unsent = stream->unsent;
  if (unsent.empty() && !spare_.empty()) {
    unsent = std::move(spare_.back());
    spare_.pop_back();
  }
  if (stream->sent > unsent.size() / 2) unsent.erase(0, std::exchange(stream->sent, 0));
  unsent.append(octets);
  if (unsent.size() - stream->sent > limit) {
    if (stream->state == Stream::State::open && !stream->blocked) flush(id, *stream);
    if (stream->state == Stream::State::ended) return false;
    if (unsent.size() - stream->sent > limit) {
      overflowed_.add();
      end(id, *stream, CloseReason::overflow);
      return false;
    }
  }
  if (stream->state == Stream::State::open && !stream->blocked) ask_flush(id, *stream);
  return true;
}

void KernelStreams::ask_flush(StreamId id, Stream& stream) {
  if (!std::exchange(stream.flush_asked, true)) unflushed_.push_back(id);
}

void KernelStreams::flush_all() {
  std::swap(flushing_, unflushed_);
  for (const StreamId id : flushing_) {
    Stream* const stream = alive(id);
    if (stream == nullptr) continue;
    stream->flush_asked = false;
    if (!stream->blocked) flush(id, *stream);
  }
  flushing_.clear();
}

void KernelStreams::flush(StreamId id, Stream& stream) {
  while (stream.sent < stream.unsent.size()) {
    const ssize_t count = ::send(stream.descriptor.get(), stream.unsent.data() + stream.sent,
                                 stream.unsent.size() - stream.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      stream.sent += static_cast<std::size_t>(count);
    } else if (would_block(errno)) {
      stream.blocked = true;
      watch(id, stream);
      return;
    } else if (errno != EINTR) {
      end(id, stream, stream.state == Stream::State::open ? reason_from(errno) : CloseReason::by_us);
      return;
    }
  }
  recycle(stream.unsent);
  stream.sent = 0;
  stream.blocked = false;
  if (stream.state == Stream::State::closing) {
    ::shutdown(stream.descriptor.get(), SHUT_WR);
    stream.state = Stream::State::shut;
  }
  watch(id, stream);
}

void KernelStreams::recycle(std::string& text) {
  if (spare_.size() < spare_count && text.capacity() > 64 && text.capacity() <= spare_capacity) {
    text.clear();
    spare_.push_back(std::move(text));
  }
  text = std::string();
}

void KernelStreams::watch(StreamId id, Stream& stream) {
  std::uint32_t wanted = stream.blocked ? EPOLLOUT : 0u;
  const bool reads = (stream.state == Stream::State::open && !stream.paused) || stream.state == Stream::State::shut;
  if (reads) wanted |= EPOLLIN;
  if (wanted == stream.watched) return;
  stream.watched = wanted;
  poller_.change(stream.descriptor, wanted, stream_key(id));
}

void KernelStreams::close(StreamId id, Duration linger, TimePoint now) {
  Stream* const stream = alive(id);
  if (stream == nullptr || stream->state == Stream::State::closing || stream->state == Stream::State::shut) return;
  const bool connecting = stream->state == Stream::State::connecting;
  if (linger <= Duration(0) || (connecting && stream->unsent.empty())) {
    if (!connecting && !stream->blocked) flush(id, *stream);
    if (stream->state != Stream::State::ended) end(id, *stream, CloseReason::by_us);
    return;
  }
  // A socket that is still connecting takes nothing: flush() then waits for EPOLLOUT as with a full buffer.
  stream->state = Stream::State::closing;
  stream->linger_until = now + linger;
  next_linger_ = std::min(next_linger_, stream->linger_until);
  lingering_.push_back(id);
  watch(id, *stream);
  if (!stream->blocked) ask_flush(id, *stream);
}

void KernelStreams::set_keepalive(StreamId id, Duration interval) {
  const Stream* stream = alive(id);
  if (stream == nullptr || !stream->descriptor.valid()) return;
  const Descriptor& socket = stream->descriptor;
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, interval > Duration(0) ? 1 : 0);
  if (interval <= Duration(0)) return;
  const int idle = static_cast<int>(std::clamp<std::int64_t>(interval / seconds(1), 1, 32767));
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, idle);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, idle / keepalive_probes));
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
}

void KernelStreams::pause(StreamId id, bool paused) {
  Stream* const stream = alive(id);
  if (stream == nullptr) return;
  stream->paused = paused;
  if (stream->state == Stream::State::open) watch(id, *stream);
}

void KernelStreams::on_stream_event(StreamId id, std::uint32_t events, WireHandler& handler, TimePoint now) {
  Stream* const stream = alive(id);
  if (stream == nullptr) return;
  if (stream->state == Stream::State::connecting) {
    finish_connect(id, *stream, handler, now);
    return;
  }
  if ((events & EPOLLOUT) != 0 && stream->blocked) {
    stream->blocked = false;
    flush(id, *stream);
  }
  const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  switch (stream->state) {
    case Stream::State::open:
      if (stream->paused && broken) end(id, *stream, reason_from(pending_error(stream->descriptor)));
      if (!stream->paused && (broken || (events & EPOLLIN) != 0)) read(id, *stream, handler, now);
      break;
    case Stream::State::closing:
      if (broken) end(id, *stream, CloseReason::by_us);
      break;
    case Stream::State::shut: read(id, *stream, handler, now); break;
    case Stream::State::connecting:
    case Stream::State::ended: break;
  }
}

void KernelStreams::read(StreamId id, Stream& stream, WireHandler& handler, TimePoint now) {
  const ssize_t count = ::recv(stream.descriptor.get(), buffer_.get(), read_size, MSG_DONTWAIT);
  const bool heard = stream.state == Stream::State::open;
  if (count > 0) {
    if (heard) handler.on_stream_data(id, {buffer_.get(), static_cast<std::size_t>(count)}, now);
  } else if (count == 0) {
    if (heard && !stream.blocked) flush(id, stream);  // it may have shut only its own direction
    if (stream.state != Stream::State::ended) end(id, stream, heard ? CloseReason::by_peer : CloseReason::by_us);
  } else if (!would_block(errno) && errno != EINTR) {
    end(id, stream, heard ? reason_from(errno) : CloseReason::by_us);
  }
}

void KernelStreams::end(StreamId id, Stream& stream, CloseReason reason) {
  if (reason == CloseReason::overflow) {
    const linger at_once{1, 0};  // the kernel's own buffer is given up as well
    ::setsockopt(stream.descriptor.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  stream.state = Stream::State::ended;
  stream.descriptor.reset();
  recycle(stream.unsent);
  stream.sent = 0;
  open_.add(-1);
  ended_.emplace_back(id, reason);
}

void KernelStreams::end_lingering(TimePoint now) {
  if (now < next_linger_) return;
  next_linger_ = never;
  std::erase_if(lingering_, [&](StreamId id) {
    Stream* const stream = alive(id);
    if (stream == nullptr) return true;
    if (stream->linger_until <= now) {
      end(id, *stream, CloseReason::by_us);
      return true;
    }
    next_linger_ = std::min(next_linger_, stream->linger_until);
    return false;
  });
}

void KernelStreams::end_turn(WireHandler& handler, TimePoint now) {
  flush_all();
  end_lingering(now);
  resume_accepting(now);
  if (ended_.empty()) return;
  const auto ended = std::exchange(ended_, {});
  for (const auto& [id, reason] : ended) {
    handler.on_closed(id, reason, now);
    streams_.erase(id);
  }
  flush_all();
}

TimePoint KernelStreams::next_deadline() const {
  return std::min(next_linger_, resume_accepting_);
}

}  // namespace bellhop::net
