#pragma once

#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/kernel_socket.hpp"

namespace bellhop::net {

// The memory that KernelDatagrams reads into and sends from. Private to the kernel_* files.

inline constexpr std::size_t largest_datagram = 65507;

/// 64 slots that each hold the largest datagram, for recvmmsg. The memory is mapped, not touched: a shard that only
/// hears small packets uses one or two pages a slot.
class ReceiveBatch {
 public:
  static constexpr unsigned slots = 64;

  ReceiveBatch();
  ~ReceiveBatch();
  ReceiveBatch(const ReceiveBatch&) = delete;
  ReceiveBatch& operator=(const ReceiveBatch&) = delete;

  /// How many arrived; -1 with errno when none.
  [[nodiscard]] int receive(const Descriptor& socket);
  [[nodiscard]] std::string_view octets(int slot) const;
  /// Has the octets of a slot, if it holds any, brought into the nearest cache while the one before is worked on.
  void prefetch(int slot) const;
  /// How long the first one has waited in the kernel, if it was asked to note when they arrive.
  [[nodiscard]] std::optional<Duration> age() const;
  [[nodiscard]] Endpoint from(int slot) const { return from_kernel(addresses_[static_cast<std::size_t>(slot)]); }

 private:
  char* memory_;
  std::array<mmsghdr, slots> headers_{};
  std::array<iovec, slots> vectors_{};
  std::array<KernelAddress, slots> addresses_;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control_{};  ///< of the first slot
};

/// Copies of what is to be sent this turn, ready for sendmmsg; datagrams of one socket that follow each other leave in
/// one call.
class SendBatch {
 public:
  SendBatch();

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] bool has_room(std::size_t octets) const { return count_ < slots && used_ + octets <= memory_.size(); }
  void add(SocketId socket, const Endpoint& to, std::string_view octets);

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] SocketId socket(std::size_t slot) const { return sockets_[slot]; }
  [[nodiscard]] mmsghdr* headers(std::size_t slot) { return &headers_[slot]; }
  [[nodiscard]] Endpoint to(std::size_t slot) const { return from_kernel(addresses_[slot]); }
  [[nodiscard]] std::string_view octets(std::size_t slot) const {
    return {static_cast<const char*>(vectors_[slot].iov_base), vectors_[slot].iov_len};
  }
  void clear() { count_ = used_ = 0; }

 private:
  static constexpr std::size_t slots = 64;
  std::vector<char> memory_;
  std::size_t count_ = 0, used_ = 0;
  std::array<SocketId, slots> sockets_{};
  std::array<mmsghdr, slots> headers_{};
  std::array<iovec, slots> vectors_{};
  std::array<KernelAddress, slots> addresses_;
};

/// What one socket could not send because the kernel's buffer was full. Bounded: what does not fit is refused.
class SendBacklog {
 public:
  static constexpr std::size_t most_datagrams = 1024, most_octets = 1024 * 1024;
  struct Datagram {
    Endpoint to;
    std::string octets;
  };

  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] bool add(const Endpoint& to, std::string_view octets);
  [[nodiscard]] const Datagram& front() const { return waiting_.front(); }
  void pop();

 private:
  std::deque<Datagram> waiting_;
  std::size_t octets_ = 0;
};

}  // namespace bellhop::net
