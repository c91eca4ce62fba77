#include "net/wire.hpp"

namespace bellhop::net {

std::string_view text_of(OpenError error) {
  switch (error) {
    case OpenError::address_in_use: return "the address is already in use";
    case OpenError::address_not_available: return "this machine does not have the address";
    case OpenError::permission: return "no permission to open this port";
    case OpenError::other: break;
  }
  return "the socket could not be opened";
}

std::string_view name_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::by_peer: return "closed by the peer";
    case CloseReason::reset: return "reset";
    case CloseReason::refused: return "refused";
    case CloseReason::unreachable: return "unreachable";
    case CloseReason::timed_out: return "timed out";
    case CloseReason::overflow: return "too much unsent";
    case CloseReason::by_us: break;
  }
  return "closed by us";
}

}  // namespace bellhop::net
