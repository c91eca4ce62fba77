#pragma once

#include <cstdint>
#include <string_view>

namespace bellhop::sip {

/// The methods Bellhop knows by name; any other token is `other` and is forwarded as it came (RFC 3261 section 16).
/// Method names are case-sensitive (RFC 3261 section 7.1).
enum class Method : std::uint8_t {
  invite,
  ack,
  bye,
  cancel,
  register_,
  options,
  prack,
  subscribe,
  notify,
  publish,
  info,
  refer,
  message,
  update,
  other
};

[[nodiscard]] Method method_from(std::string_view token);
[[nodiscard]] std::string_view name_of(Method method);  ///< "INVITE"; empty for `other`

}  // namespace bellhop::sip
