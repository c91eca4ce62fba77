#pragma once

#include <string>

#include "net/flow.hpp"
#include "sip/message.hpp"
#include "transport/target.hpp"

namespace bellhop::transport {

/// The parameters a server puts into the top Via of a request it received (RFC 3261 section 18.2.1, RFC 3581 section
/// 4), as
/// ";received=192.0.2.1;rport=5062": rport when the client asked for it, received when the sent-by differs from the
/// source address or rport is filled. What the client wrote there itself is replaced (threats 65). Empty when nothing
/// is to be added. Appends to `out`.
void append_via_facts(std::string& out, const sip::Via& via, const net::Flow& from);

/// Where a response to this request goes (RFC 3261 section 18.2.2, RFC 3581 section 4): over the connection for
/// streams; for UDP to the source address, and to its port when the client asked for rport, else to the sent-by port. A
/// maddr is ignored unless it is the source address: a response never leaves for a third party (threats 35, 65).
[[nodiscard]] net::Flow reply_flow(const sip::Via& via, const net::Flow& from);

/// Where a response goes that has no connection to go back over (RFC 3261 section 18.2.2): to the address its request
/// came from, at the port of the sent-by. Over TLS the sent-by is whom that server must prove to be.
[[nodiscard]] Target target_of_via(const sip::Via& via, sip::Transport transport, const IpAddress& address);

}  // namespace bellhop::transport
