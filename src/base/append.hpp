#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/copy_octets.hpp"

namespace bellhop {

/// Appends all parts (texts) to `out`, which grows once.
template <class... Parts>
void append_all(std::string& out, const Parts&... parts) {
  const std::size_t before = out.size();
  out.resize(before + (... + std::string_view(parts).size()));
  char* at = out.data() + before;
  ((at = copy_octets(parts, at)), ...);
}

}  // namespace bellhop
