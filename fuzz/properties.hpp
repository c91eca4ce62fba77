#pragma once

#include <cstdlib>
#include <string_view>

namespace bellhop::fuzz {

/// What must hold for every input; libFuzzer keeps the input of an abort.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// A view that a parser gave out lies in what it was given.
inline bool inside(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace bellhop::fuzz
