#pragma once

#include <span>
#include <vector>

#include "base/result.hpp"
#include "location/block.hpp"
#include "location/table.hpp"

namespace bellhop::location {

/// A binding while one request is worked on: nothing is visible before all of its changes have succeeded.
struct Draft {
  enum class Fate : std::uint8_t { kept, changed, added, removed };
  BindingView view;
  Fate fate = Fate::kept;
  bool named = false;  ///< by a contact of this request
};

/// RFC 3261 section 10.3 step 7 for all contacts of a request. `drafts` holds the bindings that have not expired; new
/// ones get no id yet.
[[nodiscard]] Result<void, UpdateError> apply(std::vector<Draft>& drafts, std::span<const Change> changes,
                                              const UpdateLimits& limits, TimePoint now);

/// The binding that a contact of the request means, or null.
[[nodiscard]] Draft* match(std::vector<Draft>& drafts, const Binding& contact);

}  // namespace bellhop::location
