#pragma once

#include <string>
#include <string_view>

namespace bellhop::sip {

/// What may not stand in the value of a URI parameter as %XX (paramchar, RFC 3261 section 25.1); sip::unescape() is the
/// way back.
[[nodiscard]] std::string escape_parameter(std::string_view value);

}  // namespace bellhop::sip
