#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace bellhop {

/// Hasher of standard containers keyed by std::string, which are then asked with views too. Not seeded.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace bellhop
