#include "net/kernel_datagrams.hpp"

#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/clock.hpp"

namespace bellhop::net {

namespace {

/// Batches read from one socket before the others, the timers and the connections have their chance; fewer when the
/// turn has lasted long.
constexpr int batches_a_turn = 4;
constexpr Duration reading_a_turn = milliseconds(2);
/// Noting arrivals costs a little with each packet, so it is asked for only while a queue builds up, and a while
/// longer.
constexpr Duration stamping = seconds(10);
constexpr int errors_at_once = 64;
/// How often a datagram is tried while errors about others are in its way.
constexpr int most_tries = 16;
/// Batches that leave unjoined after the kernel refused a run with EIO, as for a device that computes no checksums
/// (until Linux 6.11) and for IPsec. Other refusals are those of a path too narrow, and only that run's.
constexpr std::size_t batches_unjoined = 10'000;

/// RFC 3261 section 18.4: unreachable and parameter problem mean failure; time exceeded and source quench are ignored.
/// "Fragmentation needed" is no failure either: the kernel has learnt the size and the next copy goes through.
bool means_unreachable(const sock_extended_err& error) {
  if (error.ee_origin == SO_EE_ORIGIN_ICMP) {
    return (error.ee_type == ICMP_DEST_UNREACH && error.ee_code != ICMP_FRAG_NEEDED) ||
           error.ee_type == ICMP_PARAMETERPROB;
  }
  if (error.ee_origin == SO_EE_ORIGIN_ICMP6) {
    return error.ee_type == ICMP6_DST_UNREACH || error.ee_type == ICMP6_PARAM_PROB;
  }
  return false;
}

const sock_extended_err* extended_error_in(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
    const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
    if (v4 || v6) return reinterpret_cast<const sock_extended_err*>(CMSG_DATA(c));
  }
  return nullptr;
}

/// As root the receive buffer may pass the system's limit.
void set_buffers(const Descriptor& socket, const SocketOptions& options) {
  const int receive = static_cast<int>(options.receive_buffer), send = static_cast<int>(options.send_buffer);
  if (!set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, receive)) set_option(socket, SOL_SOCKET, SO_RCVBUF, receive);
  if (!set_option(socket, SOL_SOCKET, SO_SNDBUFFORCE, send)) set_option(socket, SOL_SOCKET, SO_SNDBUF, send);
}

void clear_error(const Descriptor& socket) {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
}

PollKey datagrams_key(SocketId id) {
  return {PollKind::datagrams, {id, 0}};
}

}  // namespace

KernelDatagrams::KernelDatagrams(Poller& poller, observe::Metrics& metrics, Duration& queue_delay)
    : poller_(poller),
      queue_delay_(queue_delay),
      received_count_(metrics.counter("net.udp.received")),
      sent_(metrics.counter("net.udp.sent")),
      send_dropped_(metrics.counter("net.udp.send_dropped")),
      send_failed_(metrics.counter("net.udp.send_failed")),
      joined_(metrics.counter("net.udp.joined")),
      joins_refused_(metrics.counter("net.udp.joins_refused")),
      icmp_errors_(metrics.counter("net.udp.icmp_errors")),
      kernel_dropped_(metrics.counter("net.udp.kernel_dropped")) {}

Result<Endpoint, OpenError> KernelDatagrams::open(SocketId id, const Endpoint& local, const SocketOptions& options) {
  const bool v6 = local.address.is_v6();
  Descriptor socket = make_socket(v6, SOCK_DGRAM, options.tos);
  if (!socket.valid()) return failure(open_error_from(errno));
  if (options.shared) set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(socket, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, 1);
  set_buffers(socket, options);
  if (!bind_to(socket, local)) return failure(open_error_from(errno));
  if (!poller_.add(socket, EPOLLIN, datagrams_key(id))) return failure(OpenError::other);
  const Endpoint bound = local_endpoint_of(socket);
  if (sockets_.size() <= id) sockets_.resize(id + std::size_t{1});
  sockets_[id] = std::make_unique<Socket>();
  sockets_[id]->descriptor = std::move(socket);
  return bound;
}

KernelDatagrams::Socket* KernelDatagrams::open_socket(SocketId id) {
  return id < sockets_.size() && sockets_[id] && sockets_[id]->descriptor.valid() ? sockets_[id].get() : nullptr;
}

void KernelDatagrams::close(SocketId id) {
  if (Socket* socket = open_socket(id)) {
    flush();  // what was said before closing is still sent
    socket->descriptor.reset();
    socket->backlog = {};
  }
}

void KernelDatagrams::on_event(SocketId id, std::uint32_t events, bool rested, WireHandler& handler, TimePoint now) {
  if ((events & EPOLLERR) != 0) {
    take_errors(id);
    report(handler, now);  // before what has come since
  }
  if ((events & EPOLLOUT) != 0) send_backlog(id);
  if ((events & EPOLLIN) != 0) read(id, rested, handler, now);
}

/// What ends a rest is one datagram as a rule while there is little to do. Asking for that one alone saves the kernel a
/// look for another; if there was one after all the next turn comes at once, and takes many.
void KernelDatagrams::read(SocketId id, bool rested, WireHandler& handler, TimePoint now) {
  for (int batch = 0; batch < batches_a_turn; ++batch) {
    Socket* socket = open_socket(id);
    if (socket == nullptr) return;  // the handler closed it
    const bool one = rested && socket->alone;
    const int count = received_.receive(socket->descriptor, one ? 1 : ReceiveBatch::slots);
    if (count < 0) {
      if (would_block(errno)) return;
      continue;  // interrupted, or an ICMP error was pending and is cleared by this call
    }
    socket->alone = rested && count == 1;
    received_count_.add(static_cast<std::uint64_t>(count));
    measure_delay(*socket, now);
    for (int i = 0; i < count; ++i) {
      if (i + 1 < count) received_.prefetch(i + 1);
      handler.on_datagram(id, received_.from(i), received_.octets(i), now);
    }
    queue_delay_ = {};
    if (one || count < static_cast<int>(ReceiveBatch::slots)) return;
    if (clock_now() - now > reading_a_turn) break;
  }
  if (Socket* socket = open_socket(id)) stamp(*socket, true, now);
}

void KernelDatagrams::measure_delay(Socket& socket, TimePoint now) {
  if (socket.stamped_until == TimePoint{}) return;
  if (const auto age = received_.age()) queue_delay_ = socket.wait.note(*age, now);
  if (socket.stamped_until <= now) stamp(socket, false, now);
}

void KernelDatagrams::stamp(Socket& socket, bool wanted, TimePoint now) {
  const bool stamped = socket.stamped_until != TimePoint{};
  if (wanted != stamped) set_option(socket.descriptor, SOL_SOCKET, SO_TIMESTAMPNS, wanted ? 1 : 0);
  socket.stamped_until = wanted ? now + stamping : TimePoint{};
}

bool KernelDatagrams::take_errors(SocketId id) {
  const Socket* socket = open_socket(id);
  if (socket == nullptr) return false;
  for (int taken = 0; taken < errors_at_once; ++taken) {
    KernelAddress to{};
    alignas(cmsghdr) char control[256];
    char octet;
    iovec vector{&octet, 1};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(socket->descriptor.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
      clear_error(socket->descriptor);  // else an error without a queue entry would wake us for ever
      return taken > 0;
    }
    const sock_extended_err* error = extended_error_in(message);
    if (error == nullptr || !means_unreachable(*error)) continue;
    icmp_errors_.add();
    unreachable_.emplace_back(id, from_kernel(to));
  }
  return true;
}

void KernelDatagrams::send(SocketId id, const Endpoint& to, std::string_view octets, std::uint64_t subject) {
  const Socket* socket = open_socket(id);
  if (socket == nullptr || octets.size() > largest_datagram) return send_dropped_.add();
  if (!batch_.has_room(octets.size())) flush();  // may begin a backlog
  if (!socket->backlog.empty()) return put_back(id, to, octets);
  batch_.add(id, to, octets, subject);
}

void KernelDatagrams::flush() {
  if (batch_.empty()) return;
  if (not_joined_ > 0) --not_joined_;
  batch_.arrange(joining_ && not_joined_ == 0);
  for (std::size_t first = 0; first < batch_.runs();) {
    std::size_t last = first + 1;
    while (last < batch_.runs() && batch_.socket(last) == batch_.socket(first)) ++last;
    transmit(batch_.socket(first), first, last);
    first = last;
  }
  batch_.clear();
}

/// Runs of one socket. The datagrams of one that fails for good are tried by themselves: the path may not take runs.
void KernelDatagrams::transmit(SocketId id, std::size_t first, std::size_t last) {
  const Socket* socket = open_socket(id);
  int failures = 0;
  while (socket != nullptr && first < last) {
    const int count = socket->backlog.empty() ? ::sendmmsg(socket->descriptor.get(), batch_.headers(first),
                                                           static_cast<unsigned>(last - first), MSG_DONTWAIT)
                                              : 0;
    const int error_number = errno;
    for (const std::size_t end = first + static_cast<std::size_t>(std::max(count, 0)); first < end; ++first) {
      sent_.add(batch_.size(first));
      if (batch_.size(first) > 1) joined_.add(batch_.size(first));
    }
    const bool later = count == 0 || (count < 0 && would_block(error_number));
    if (count < 0 && !later && !is_final(id, error_number, failures)) continue;
    failures = 0;
    if (count > 0) continue;
    const std::size_t run = first++;
    if (later) {
      for (std::size_t n = 0; n < batch_.size(run); ++n) put_back(id, batch_.to(run), batch_.octets(run, n));
    } else if (batch_.size(run) == 1) {
      give_up(id, batch_.to(run), error_number);
    } else {
      refuse_run(*socket, id, run, error_number);
    }
  }
}

void KernelDatagrams::refuse_run(const Socket& socket, SocketId id, std::size_t run, int error_number) {
  joins_refused_.add();
  if (error_number == EIO) not_joined_ = batches_unjoined;
  for (std::size_t n = 0; n < batch_.size(run); ++n) {
    const std::string_view octets = batch_.octets(run, n);
    if (!socket.backlog.empty() || !send_alone(socket, id, batch_.to(run), octets))
      put_back(id, batch_.to(run), octets);
  }
}

bool KernelDatagrams::send_alone(const Socket& socket, SocketId id, const Endpoint& to, std::string_view octets) {
  KernelAddress address;
  const socklen_t length = to_kernel(to, address);
  for (int failures = 0;;) {
    if (::sendto(socket.descriptor.get(), octets.data(), octets.size(), MSG_DONTWAIT, &address.any, length) >= 0) {
      sent_.add();
      return true;
    }
    const int error_number = errno;
    if (would_block(error_number)) return false;
    if (!is_final(id, error_number, failures)) continue;
    give_up(id, to, error_number);
    return true;
  }
}

/// An ICMP error about any earlier datagram makes the next send fail, and says nothing of what was to be sent. So while
/// the socket's queue holds such errors the datagram is tried again, and with none there once more: an error that found
/// the receive buffer full is not in the queue. EPERM is the datagram's own, though a firewall that refuses it may put
/// an error into the queue as well.
bool KernelDatagrams::is_final(SocketId id, int error_number, int& failures) {
  if (error_number == EINTR) return false;
  const bool others_failed = take_errors(id) && error_number != EPERM;
  return ++failures >= (others_failed ? most_tries : 2);
}

void KernelDatagrams::give_up(SocketId id, const Endpoint& to, int error_number) {
  send_failed_.add();
  // Too long for the path or no buffer in the device: the peer may well be there.
  if (error_number != EMSGSIZE && error_number != ENOBUFS) unreachable_.emplace_back(id, to);
}

void KernelDatagrams::put_back(SocketId id, const Endpoint& to, std::string_view octets) {
  Socket& socket = *sockets_[id];
  if (socket.backlog.empty()) poller_.change(socket.descriptor, EPOLLIN | EPOLLOUT, datagrams_key(id));
  if (!socket.backlog.add(to, octets)) send_dropped_.add();
}

void KernelDatagrams::send_backlog(SocketId id) {
  Socket* socket = open_socket(id);
  if (socket == nullptr) return;
  for (; !socket->backlog.empty(); socket->backlog.pop()) {
    const SendBacklog::Datagram& next = socket->backlog.front();
    if (!send_alone(*socket, id, next.to, next.octets)) return;
  }
  poller_.change(socket->descriptor, EPOLLIN, datagrams_key(id));
}

void KernelDatagrams::report(WireHandler& handler, TimePoint now) {
  const auto found = std::exchange(unreachable_, {});
  for (const auto& [id, to] : found) {
    if (open_socket(id) != nullptr) handler.on_unreachable(id, to, now);
  }
}

void KernelDatagrams::count_kernel_drops() {
  for (const auto& socket : sockets_) {
    if (!socket || !socket->descriptor.valid()) continue;
    std::uint32_t figures[SK_MEMINFO_VARS];
    socklen_t length = sizeof figures;
    if (::getsockopt(socket->descriptor.get(), SOL_SOCKET, SO_MEMINFO, figures, &length) != 0) continue;
    kernel_dropped_.add(figures[SK_MEMINFO_DROPS] - socket->kernel_drops);
    socket->kernel_drops = figures[SK_MEMINFO_DROPS];
  }
}

}  // namespace bellhop::net
