#include "net/kernel_socket.hpp"

#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "net/clock.hpp"

namespace bellhop::net {

void Descriptor::reset() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

socklen_t to_kernel(const Endpoint& endpoint, KernelAddress& out) {
  const auto& octets = endpoint.address.octets();
  if (endpoint.address.is_v6()) {
    out.v6 = {};
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(endpoint.port);
    std::memcpy(&out.v6.sin6_addr, octets.data(), 16);
    return sizeof out.v6;
  }
  out.v4 = {};
  out.v4.sin_family = AF_INET;
  out.v4.sin_port = htons(endpoint.port);
  std::memcpy(&out.v4.sin_addr, octets.data(), 4);
  return sizeof out.v4;
}

Endpoint from_kernel(const KernelAddress& address) {
  if (address.any.sa_family == AF_INET6) {
    std::array<std::uint8_t, 16> octets;
    std::memcpy(octets.data(), &address.v6.sin6_addr, 16);
    return {IpAddress::v6(octets), ntohs(address.v6.sin6_port)};
  }
  std::array<std::uint8_t, 4> octets;
  std::memcpy(octets.data(), &address.v4.sin_addr, 4);
  return {IpAddress::v4(octets), ntohs(address.v4.sin_port)};
}

Endpoint local_endpoint_of(const Descriptor& socket) {
  KernelAddress address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket.get(), &address.any, &length) != 0) return {};
  return from_kernel(address);
}

bool set_option(const Descriptor& socket, int level, int name, int value) {
  return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

Descriptor make_socket(bool v6, int kind, std::uint8_t tos) {
  Descriptor made(::socket(v6 ? AF_INET6 : AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.valid()) return made;
  if (v6) set_option(made, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (tos != 0) {
    if (v6) {
      set_option(made, IPPROTO_IPV6, IPV6_TCLASS, tos);
    } else {
      set_option(made, IPPROTO_IP, IP_TOS, tos);
    }
  }
  return made;
}

bool bind_to(const Descriptor& socket, const Endpoint& local) {
  KernelAddress address;
  const socklen_t length = to_kernel(local, address);
  return ::bind(socket.get(), &address.any, length) == 0;
}

bool would_block(int error_number) {
  return error_number == EAGAIN || error_number == EWOULDBLOCK;
}

OpenError open_error_from(int error_number) {
  switch (error_number) {
    case EADDRINUSE: return OpenError::address_in_use;
    case EADDRNOTAVAIL: return OpenError::address_not_available;
    case EACCES:
    case EPERM: return OpenError::permission;
    default: return OpenError::other;
  }
}

namespace {

epoll_event event_for(std::uint32_t events, PollKey key) {
  epoll_event event{};
  event.events = events;
  event.data.u64 =
      (std::uint64_t{key.id.generation} << 32) | (key.id.index << 2) | static_cast<std::uint64_t>(key.kind);
  return event;
}

/// Of the poller's own alarm: a wake-up that is not the wire's.
constexpr PollKey alarm_key{PollKind::wake, {1, 0}};

}  // namespace

Poller::Poller()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), alarm_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  // Edge-triggered: ringing is one event, and nothing needs to be read back.
  if (!epoll_.valid() || !alarm_.valid() || !add(alarm_, EPOLLIN | EPOLLET, alarm_key)) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
}

bool Poller::add(const Descriptor& descriptor, std::uint32_t events, PollKey key) {
  epoll_event event = event_for(events, key);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor.get(), &event) == 0;
}

void Poller::change(const Descriptor& descriptor, std::uint32_t events, PollKey key) {
  epoll_event event = event_for(events, key);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor.get(), &event);
}

std::span<const epoll_event> Poller::wait(TimePoint deadline) {
  constexpr auto together = milliseconds(1);  // deadlines of one millisecond are met together, none early
  const bool waiting = deadline != at_once;
  if (waiting && deadline < never - together) deadline = std::chrono::ceil<milliseconds>(deadline);
  if (waiting && deadline < alarm_at_) set_alarm(deadline);
  const int ready = ::epoll_wait(epoll_.get(), events_, static_cast<int>(std::size(events_)), waiting ? -1 : 0);
  const std::span<const epoll_event> events(events_, static_cast<std::size_t>(std::max(ready, 0)));
  for (const epoll_event& event : events) {
    if (event.data.u64 == event_for(EPOLLIN, alarm_key).data.u64) alarm_at_ = never;
  }
  return events;
}

void Poller::set_alarm(TimePoint at) {
  // Zero would disarm it; a moment that has passed rings at once.
  const Duration rings = std::max(monotonic(at), Duration(1));
  const auto whole = std::chrono::floor<seconds>(rings);
  itimerspec alarm{};
  alarm.it_value = {.tv_sec = whole.count(), .tv_nsec = std::chrono::nanoseconds(rings - whole).count()};
  // Refuses nothing that is within its ranges.
  ::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &alarm, nullptr);
  alarm_at_ = at;
}

PollKey Poller::key_of(const epoll_event& event) {
  const std::uint64_t packed = event.data.u64;
  return {static_cast<PollKind>(packed & 3),
          {static_cast<std::uint32_t>(packed & 0xffffffff) >> 2, static_cast<std::uint32_t>(packed >> 32)}};
}

}  // namespace bellhop::net
