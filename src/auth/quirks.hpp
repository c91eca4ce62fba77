#pragma once

#include "sip/message.hpp"

namespace bellhop::auth {

/// Whether the sender is known to fail on a challenge with SHA-256 in it, or on top, although a client must ignore what
/// it does not understand (RFC 8760 section 2.4). It is challenged with MD5 alone. Seen on Debian 12: baresip 1.0 gives
/// up with the error text of ENOSYS in whatever order, sipsak 0.9.8 and SIPp 3.6 look at the first challenge only.
/// One more client is one more line in quirks.cpp; a spoofed name weakens nobody's challenge but the spoofer's.
[[nodiscard]] bool knows_md5_only(const sip::Message& request);

}  // namespace bellhop::auth
