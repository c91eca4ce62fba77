#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <utility>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "net/wire.hpp"

namespace bellhop::net {

// What the parts of KernelWire share: descriptors, addresses, one epoll. Private to the kernel_* files.

/// A file descriptor that is closed when its owner goes.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool valid() const { return number_ >= 0; }
  void reset();

 private:
  int number_;
};

union KernelAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};
/// Returns the length that belongs to it.
socklen_t to_kernel(const Endpoint& endpoint, KernelAddress& out);
[[nodiscard]] Endpoint from_kernel(const KernelAddress& address);
[[nodiscard]] Endpoint local_endpoint_of(const Descriptor& socket);

/// A non-blocking socket of this kind (SOCK_DGRAM, SOCK_STREAM) with TOS set, IPv6 not mixed with IPv4; invalid with
/// errno when the kernel refuses.
[[nodiscard]] Descriptor make_socket(bool v6, int kind, std::uint8_t tos);
bool bind_to(const Descriptor& socket, const Endpoint& local);
/// EAGAIN: not now.
[[nodiscard]] bool would_block(int error_number);
[[nodiscard]] OpenError open_error_from(int error_number);
bool set_option(const Descriptor& socket, int level, int name, int value);

/// What an epoll event is about.
enum class PollKind : std::uint8_t { wake, datagrams, listener, stream };
struct PollKey {
  PollKind kind = PollKind::wake;
  SlotId id;  ///< of a stream; its index is the SocketId otherwise
};

/// One epoll instance, level-triggered but for wake-ups, with an alarm (timerfd) for deadlines.
///
/// A deadline that lies behind the alarm costs nothing, while a timeout of epoll_wait(2) would start and cancel a timer
/// of the kernel with every wait: 3 to 4 % of a server that is woken 1,500 times a second.
class Poller {
 public:
  /// A deadline for wait() that has passed.
  static constexpr TimePoint at_once = TimePoint::min();

  Poller();
  /// False when the kernel has no room for another one.
  [[nodiscard]] bool add(const Descriptor& descriptor, std::uint32_t events, PollKey key);
  void change(const Descriptor& descriptor, std::uint32_t events, PollKey key);
  /// Waits until the deadline (`never`: until something happens), at most a millisecond longer, and returns what is
  /// ready. It may return before with nothing, or nothing but a `wake` event: after a signal, or since the alarm was set
  /// for what is no longer due.
  [[nodiscard]] std::span<const epoll_event> wait(TimePoint deadline);
  [[nodiscard]] static PollKey key_of(const epoll_event& event);

 private:
  void set_alarm(TimePoint at);

  Descriptor epoll_, alarm_;
  TimePoint alarm_at_ = never;  ///< `never`: not set, or it has rung and was heard
  epoll_event events_[256];
};

}  // namespace bellhop::net
