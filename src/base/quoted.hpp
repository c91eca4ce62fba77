#pragma once

#include <string>
#include <string_view>

namespace bellhop {

/// Appends what quoted_for_log() makes of this text.
void append_quoted_for_log(std::string& out, std::string_view text, std::size_t max_length = 200);

}  // namespace bellhop
