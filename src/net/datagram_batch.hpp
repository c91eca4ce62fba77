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

  /// How many arrived, at most `most` of `slots`; -1 with errno when none.
  [[nodiscard]] int receive(const Descriptor& socket, unsigned most);
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

/// Copies of what is to be sent this turn, ready for sendmmsg.
///
/// The kernel's price is per call through its stack, not per octet: datagrams of one size to one destination can pass
/// it as one (UDP_SEGMENT, "generic segmentation offload"), a *run*, and arrive as they would one by one. Under load a
/// peer that many calls come from or go to, a trunk or a border controller, has a dozen of them in one batch. A run may
/// overtake what was said before it, but never what has the same subject (Wire::set_subject).
class SendBatch {
 public:
  SendBatch();

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] bool has_room(std::size_t octets) const { return count_ < slots && used_ + octets <= memory_.size(); }
  /// `subject`: 0 is that of what overtakes nothing and is not overtaken.
  void add(SocketId socket, const Endpoint& to, std::string_view octets, std::uint64_t subject);
  void clear() { count_ = used_ = runs_ = 0; }

  /// Divides all that was added into runs, one for each datagram when the batch is small or `join` is false.
  void arrange(bool join);
  [[nodiscard]] std::size_t runs() const { return runs_; }
  [[nodiscard]] SocketId socket(std::size_t run) const { return sockets_[firsts_[run]]; }
  [[nodiscard]] mmsghdr* headers(std::size_t run) { return &headers_[run]; }
  [[nodiscard]] Endpoint to(std::size_t run) const { return from_kernel(addresses_[firsts_[run]]); }
  /// How many datagrams are in it, and the octets of the n-th.
  [[nodiscard]] std::size_t size(std::size_t run) const { return headers_[run].msg_hdr.msg_iovlen; }
  [[nodiscard]] std::string_view octets(std::size_t run, std::size_t n) const {
    const iovec& vector = run_vectors_[begins_[run] + n];
    return {static_cast<const char*>(vector.iov_base), vector.iov_len};
  }

 private:
  static constexpr std::size_t slots = 64;
  using Number = std::uint8_t;  ///< of a slot or a run
  using Table = std::array<Number, 128>;
  struct alignas(cmsghdr) SegmentSize {
    std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> octets;
  };

  [[nodiscard]] Number run_for(Number slot);
  [[nodiscard]] bool alike(Number slot, Number other) const;
  [[nodiscard]] std::size_t place_of(Number slot) const;

  std::vector<char> memory_;
  std::size_t count_ = 0, used_ = 0, runs_ = 0;
  // By slot, in the order of add().
  std::array<SocketId, slots> sockets_{};
  std::array<iovec, slots> vectors_{};
  std::array<KernelAddress, slots> addresses_;
  std::array<socklen_t, slots> address_lengths_{};
  std::array<std::uint64_t, slots> subjects_{};
  std::array<Number, slots> run_of_{};
  // By run; its datagrams stand together in run_vectors_. `firsts_`: the slot of its first.
  std::array<mmsghdr, slots> headers_{};
  std::array<SegmentSize, slots> segment_sizes_{};
  std::array<Number, slots> begins_{}, sizes_{}, firsts_{};
  std::array<iovec, slots> run_vectors_{};
  // While arranging: the latest run of a destination and size, the latest slot of a subject, both plus one.
  Table latest_run_{}, latest_slot_{};
  Number least_run_ = 0;  ///< what has no subject closed those before
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
