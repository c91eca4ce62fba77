#include "net/datagram_batch.hpp"

#include <netinet/udp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/prefetch.hpp"

namespace bellhop::net {

namespace {

/// Not a multiple of the page: the beginnings of the slots would otherwise fall into the same few lines of the cache.
constexpr std::size_t slot_stride = 65536 + 576;
constexpr std::size_t region = ReceiveBatch::slots * slot_stride;

/// Fewer at once mean a quiet server, whose packets somebody may want to read with tcpdump, which shows a run as one.
constexpr std::size_t least_joined = 16;
/// What every path takes in one piece, as IPv6 requires (RFC 8200 section 5: 1,280 octets with the headers); over IPv4
/// the pieces of a run may share their identification and are not marked "do not fragment".
constexpr std::size_t longest_joined = 1232;
constexpr std::size_t largest_run = 65000;

}  // namespace

ReceiveBatch::ReceiveBatch() {
  void* mapped = ::mmap(nullptr, region, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "receive buffers");
  memory_ = static_cast<char*>(mapped);
  for (std::size_t i = 0; i < slots; ++i) {
    vectors_[i] = {memory_ + i * slot_stride, 65536};
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = &addresses_[i];
    headers_[i].msg_hdr.msg_namelen = sizeof addresses_[i];
  }
}

ReceiveBatch::~ReceiveBatch() {
  ::munmap(memory_, region);
}

int ReceiveBatch::receive(const Descriptor& socket, unsigned most) {
  headers_[0].msg_hdr.msg_control = control_.data();
  headers_[0].msg_hdr.msg_controllen = control_.size();
  const int count = ::recvmmsg(socket.get(), headers_.data(), most, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; ++i) headers_[static_cast<std::size_t>(i)].msg_hdr.msg_namelen = sizeof(KernelAddress);
  return count;
}

std::optional<Duration> ReceiveBatch::age() const {
  msghdr first = headers_[0].msg_hdr;
  for (cmsghdr* c = CMSG_FIRSTHDR(&first); c != nullptr; c = CMSG_NXTHDR(&first, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    // Both by the clock that the kernel stamps with, which may be set while we run: our own never goes back.
    timespec stamped{}, now{};
    std::memcpy(&stamped, CMSG_DATA(c), sizeof stamped);
    ::clock_gettime(CLOCK_REALTIME, &now);
    const auto age =
        std::chrono::seconds(now.tv_sec - stamped.tv_sec) + std::chrono::nanoseconds(now.tv_nsec - stamped.tv_nsec);
    return std::clamp(std::chrono::duration_cast<Duration>(age), Duration::zero(), Duration(seconds(10)));
  }
  return std::nullopt;
}

std::string_view ReceiveBatch::octets(int slot) const {
  const auto i = static_cast<std::size_t>(slot);
  return {static_cast<const char*>(vectors_[i].iov_base), headers_[i].msg_len};
}

void ReceiveBatch::prefetch(int slot) const {
  constexpr std::size_t most = 1024;
  const std::string_view datagram = octets(slot);
  bellhop::prefetch(datagram.data(), std::min(datagram.size(), most));
}

SendBatch::SendBatch() : memory_(256 * 1024) {
  for (SegmentSize& control : segment_sizes_) {
    cmsghdr header{};
    header.cmsg_level = SOL_UDP;
    header.cmsg_type = UDP_SEGMENT;
    header.cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    std::memcpy(control.octets.data(), &header, sizeof header);
  }
}

void SendBatch::add(SocketId socket, const Endpoint& to, std::string_view octets, std::uint64_t subject) {
  char* const copy = memory_.data() + used_;
  if (!octets.empty()) std::memcpy(copy, octets.data(), octets.size());
  used_ += octets.size();
  sockets_[count_] = socket;
  vectors_[count_] = {copy, octets.size()};
  address_lengths_[count_] = to_kernel(to, addresses_[count_]);
  subjects_[count_] = subject;
  ++count_;
}

void SendBatch::arrange(bool join) {
  join = join && count_ >= least_joined;
  runs_ = 0;
  if (join) {
    latest_run_.fill(0);
    latest_slot_.fill(0);
    least_run_ = 0;
  }
  for (std::size_t slot = 0; slot < count_; ++slot) {
    const Number run = join ? run_for(static_cast<Number>(slot)) : static_cast<Number>(runs_);
    if (run == runs_) sizes_[runs_] = 0, firsts_[runs_++] = static_cast<Number>(slot);
    ++sizes_[run];
    run_of_[slot] = run;
  }
  Number begin = 0;
  for (std::size_t run = 0; run < runs_; begin += sizes_[run++]) {
    begins_[run] = begin;
    msghdr& header = headers_[run].msg_hdr;
    header.msg_name = &addresses_[firsts_[run]];
    header.msg_namelen = address_lengths_[firsts_[run]];
    header.msg_iov = &run_vectors_[begin];
    header.msg_iovlen = 0;
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    if (sizes_[run] == 1) continue;
    const auto segment = static_cast<std::uint16_t>(vectors_[firsts_[run]].iov_len);
    std::memcpy(segment_sizes_[run].octets.data() + CMSG_LEN(0), &segment, sizeof segment);
    header.msg_control = segment_sizes_[run].octets.data();
    header.msg_controllen = segment_sizes_[run].octets.size();
  }
  for (std::size_t slot = 0; slot < count_; ++slot) {
    const Number run = run_of_[slot];
    run_vectors_[begins_[run] + headers_[run].msg_hdr.msg_iovlen++] = vectors_[slot];
  }
}

/// The latest run of its destination and size, unless it would overtake its own subject there; runs_: a new one.
SendBatch::Number SendBatch::run_for(Number slot) {
  const auto next = static_cast<Number>(runs_);
  const std::uint64_t subject = subjects_[slot];
  if (subject == 0) {
    least_run_ = static_cast<Number>(next + 1);
    return next;
  }
  std::size_t place = subject % latest_slot_.size();
  while (latest_slot_[place] != 0 && subjects_[latest_slot_[place] - 1u] != subject)
    place = (place + 1) % latest_slot_.size();
  const Number least = latest_slot_[place] == 0 ? least_run_ : std::max(least_run_, run_of_[latest_slot_[place] - 1u]);
  latest_slot_[place] = static_cast<Number>(slot + 1);

  const std::size_t octets = vectors_[slot].iov_len;
  if (octets == 0 || octets > longest_joined) return next;
  place = place_of(slot);
  while (latest_run_[place] != 0 && !alike(slot, firsts_[latest_run_[place] - 1u]))
    place = (place + 1) % latest_run_.size();
  if (latest_run_[place] != 0) {
    const auto run = static_cast<Number>(latest_run_[place] - 1u);
    if (run >= least && (sizes_[run] + 1u) * octets <= largest_run) return run;
  }
  latest_run_[place] = static_cast<Number>(next + 1);
  return next;
}

bool SendBatch::alike(Number slot, Number other) const {
  return vectors_[slot].iov_len == vectors_[other].iov_len && sockets_[slot] == sockets_[other] &&
         address_lengths_[slot] == address_lengths_[other] &&
         std::memcmp(&addresses_[slot], &addresses_[other], address_lengths_[slot]) == 0;
}

std::size_t SendBatch::place_of(Number slot) const {
  std::uint64_t mixed = vectors_[slot].iov_len, piece;
  static_assert(sizeof(sockaddr_in) % sizeof piece == 0);
  const char* const address = reinterpret_cast<const char*>(&addresses_[slot]);
  for (std::size_t at = 0; at + sizeof piece <= address_lengths_[slot]; at += sizeof piece) {
    std::memcpy(&piece, address + at, sizeof piece);
    mixed = (mixed ^ piece) * 0x9e3779b97f4a7c15;
  }
  return (mixed >> 32) % latest_run_.size();
}

bool SendBacklog::add(const Endpoint& to, std::string_view octets) {
  if (waiting_.size() >= most_datagrams || octets_ + octets.size() > most_octets) return false;
  waiting_.push_back({to, std::string(octets)});
  octets_ += octets.size();
  return true;
}

void SendBacklog::pop() {
  octets_ -= waiting_.front().octets.size();
  waiting_.pop_front();
}

}  // namespace bellhop::net
