#pragma once

#include <string>
#include <string_view>

#include "base/endpoint.hpp"

namespace bellhop::transport {

// STUN keep-alives on SIP's UDP ports (RFC 5626 section 8, RFC 5389): a phone behind NAT asks which address it has
// outside.

/// Whether a datagram is STUN and not SIP: two zero bits, the magic cookie, a length that fits (RFC 5389 section 8).
[[nodiscard]] bool is_stun(std::string_view datagram);

/// Appends the answer to a binding request from `from`: success with XOR-MAPPED-ADDRESS, or 420 when it holds
/// attributes that must be understood and are not; with a FINGERPRINT when the request has one. Nothing else is
/// answered (false): no indication, no response, nothing malformed or with a wrong FINGERPRINT. Keeps no state; the
/// answer is at most 36 octets longer than the request.
[[nodiscard]] bool answer_stun(std::string_view request, const Endpoint& from, std::string& out);

}  // namespace bellhop::transport
