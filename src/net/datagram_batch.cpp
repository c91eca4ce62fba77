#include "net/datagram_batch.hpp"

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

int ReceiveBatch::receive(const Descriptor& socket) {
  headers_[0].msg_hdr.msg_control = control_.data();
  headers_[0].msg_hdr.msg_controllen = control_.size();
  const int count = ::recvmmsg(socket.get(), headers_.data(), slots, MSG_DONTWAIT, nullptr);
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
  if (slot >= static_cast<int>(slots)) return;
  const std::string_view datagram = octets(slot);
  bellhop::prefetch(datagram.data(), std::min(datagram.size(), most));
}

SendBatch::SendBatch() : memory_(256 * 1024) {
  for (std::size_t i = 0; i < slots; ++i) {
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = &addresses_[i];
  }
}

void SendBatch::add(SocketId socket, const Endpoint& to, std::string_view octets) {
  char* const copy = memory_.data() + used_;
  if (!octets.empty()) std::memcpy(copy, octets.data(), octets.size());
  used_ += octets.size();
  sockets_[count_] = socket;
  vectors_[count_] = {copy, octets.size()};
  headers_[count_].msg_hdr.msg_namelen = to_kernel(to, addresses_[count_]);
  ++count_;
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
