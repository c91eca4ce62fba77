#pragma once

#include <cstdint>
#include <optional>

#include "net/flow.hpp"
#include "sip/message.hpp"
#include "sip/uri.hpp"

namespace bellhop::transport {

/// Whether the sender of a request stands behind a NAT, by the given signs (config::NatSign, RT-14): then only the
/// address it came from leads back to it. `contact` is the Contact under work, null when there is none. A host that
/// ends in ".invalid" is what browsers write (RFC 7118 section 5) and leads nowhere whatever the signs are. A request
/// that another proxy passed on says nothing about who sent it.
[[nodiscard]] bool behind_nat(const sip::Message& request, const sip::Uri* contact, const net::Flow& from,
                              std::uint16_t signs);
/// The same for who knows already which `address` the contact's host spells, if any.
[[nodiscard]] bool behind_nat(const sip::Message& request, const sip::Uri* contact, std::optional<IpAddress> address,
                              const net::Flow& from, std::uint16_t signs);

}  // namespace bellhop::transport
