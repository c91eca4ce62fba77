#pragma once

#include <tl/expected.hpp>

namespace bellhop {

/// What a function that can fail on network input returns: the value, or a small enum that says why not.
/// Exceptions are for start-up and for one admin request; nothing that came from the network throws.
template <class T, class E>
using Result = tl::expected<T, E>;

template <class E>
[[nodiscard]] constexpr auto failure(E error) {
  return tl::unexpected<E>(std::move(error));
}

}  // namespace bellhop
