#include "net/interfaces.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bellhop::net {

std::vector<IpAddress> interface_addresses() {
  std::vector<IpAddress> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const ifaddrs* item = list; item != nullptr; item = item->ifa_next) {
    if (item->ifa_addr == nullptr) continue;
    if (item->ifa_addr->sa_family == AF_INET) {
      sockaddr_in address{};
      std::memcpy(&address, item->ifa_addr, sizeof address);
      std::array<std::uint8_t, 4> octets{};
      std::memcpy(octets.data(), &address.sin_addr, octets.size());
      out.push_back(IpAddress::v4(octets));
    } else if (item->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 address{};
      std::memcpy(&address, item->ifa_addr, sizeof address);
      std::array<std::uint8_t, 16> octets{};
      std::memcpy(octets.data(), &address.sin6_addr, octets.size());
      out.push_back(IpAddress::v6(octets));
    }
  }
  ::freeifaddrs(list);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace bellhop::net
