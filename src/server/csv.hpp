#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bellhop::server {

struct CsvRow {
  unsigned line = 0;
  std::vector<std::string> fields;
};

/// Comma-separated values (RFC 4180): fields may be in double quotes, with "" for a quote and line ends inside. Empty
/// lines and lines that begin with '#' are left out. The error is "line N: what is wrong".
[[nodiscard]] Result<std::vector<CsvRow>, std::string> parse_csv(std::string_view text);

}  // namespace bellhop::server
