#pragma once

#include <vector>

#include "base/endpoint.hpp"

namespace bellhop::net {

/// The addresses of this machine's interfaces, loopback included, as they are now.
[[nodiscard]] std::vector<IpAddress> interface_addresses();

}  // namespace bellhop::net
