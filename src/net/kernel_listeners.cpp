#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/kernel_streams.hpp"

namespace bellhop::net {

namespace {

/// Connections taken from one listener before the others have their chance.
constexpr int accepts_a_turn = 64;
/// When not even the reserve descriptor helps: how long the listeners rest.
constexpr Duration rest = milliseconds(100);

bool out_of_descriptors(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS || error_number == ENOMEM;
}

Descriptor accept_from(const Descriptor& listener, KernelAddress& remote) {
  socklen_t length = sizeof remote;
  return Descriptor(::accept4(listener.get(), &remote.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

PollKey listener_key(SocketId id) {
  return {PollKind::listener, {id, 0}};
}

}  // namespace

Result<Endpoint, OpenError> KernelStreams::listen(SocketId id, const Endpoint& local, const SocketOptions& options) {
  Descriptor socket = make_socket(local.address.is_v6(), SOCK_STREAM, options.tos);
  if (!socket.valid()) return failure(open_error_from(errno));
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.shared) set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);  // accepted sockets inherit it, and the TOS
  if (!bind_to(socket, local) || ::listen(socket.get(), SOMAXCONN) != 0) return failure(open_error_from(errno));
  if (!poller_.add(socket, EPOLLIN, listener_key(id))) return failure(OpenError::other);
  const Endpoint bound = local_endpoint_of(socket);
  if (listeners_.size() <= id) listeners_.resize(id + std::size_t{1});
  listeners_[id] = std::make_unique<Listener>(std::move(socket), bound, local.address.is_unspecified());
  return bound;
}

void KernelStreams::close_listener(SocketId id) {
  if (id < listeners_.size() && listeners_[id]) listeners_[id]->descriptor.reset();
}

void KernelStreams::on_listener_event(SocketId id, WireHandler& handler, TimePoint now) {
  for (int i = 0; i < accepts_a_turn && listeners_[id]->descriptor.valid(); ++i) {
    if (!accept_one(id, handler, now)) return;
  }
}

bool KernelStreams::accept_one(SocketId id, WireHandler& handler, TimePoint now) {
  const Listener& listener = *listeners_[id];
  KernelAddress remote{};
  Descriptor socket = accept_from(listener.descriptor, remote);
  if (!socket.valid()) {
    if (out_of_descriptors(errno)) return reject_one(id, now);
    return errno == ECONNABORTED || errno == EINTR;  // that one has gone; there may be others
  }
  const StreamId stream_id = streams_.emplace();
  Stream& stream = *streams_.find(stream_id);
  stream.state = Stream::State::open;
  stream.watched = EPOLLIN;
  if (!poller_.add(socket, stream.watched, {PollKind::stream, stream_id})) {
    streams_.erase(stream_id);
    rejected_.add();
    return false;
  }
  const Endpoint local = listener.any_address ? local_endpoint_of(socket) : listener.local;
  stream.descriptor = std::move(socket);
  accepted_.add();
  open_.add(1);
  handler.on_accept(id, stream_id, local, from_kernel(remote), now);
  return true;
}

bool KernelStreams::reject_one(SocketId id, TimePoint now) {
  const Descriptor& listener = listeners_[id]->descriptor;
  reserve_.reset();
  KernelAddress remote{};
  const bool taken = accept_from(listener, remote).valid();
  const int error = errno;
  take_reserve();
  if (taken) {
    rejected_.add();
    return true;
  }
  if (!out_of_descriptors(error)) return false;
  poller_.change(listener, 0, listener_key(id));
  resting_.push_back(id);
  resume_accepting_ = now + rest;
  return false;
}

void KernelStreams::resume_accepting(TimePoint now) {
  if (now < resume_accepting_) return;
  resume_accepting_ = never;
  if (!reserve_.valid()) take_reserve();
  for (const SocketId id : std::exchange(resting_, {})) {
    if (listeners_[id]->descriptor.valid()) poller_.change(listeners_[id]->descriptor, EPOLLIN, listener_key(id));
  }
}

void KernelStreams::take_reserve() {
  reserve_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace bellhop::net
