#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bellhop::config {

/// "; did you mean 'workers'?" when one of the words is close enough to what was written to be meant, else nothing.
/// Closeness is the number of single-letter slips (left out, put in, changed, two swapped), at most a third of the
/// word.
[[nodiscard]] std::string did_you_mean(std::string_view written, const std::vector<std::string_view>& words);

/// "a, b or c".
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& words);

}  // namespace bellhop::config
