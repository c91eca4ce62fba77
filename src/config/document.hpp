#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/loader.hpp"

namespace bellhop::config {

/// Where something stands in the file; both count from 1.
struct Place {
  unsigned line = 0, column = 0;
};

struct Entry;

/// A value of the file with its place: all the rest of the room sees of TOML, whose library is used in document.cpp
/// only. Tables keep the order of the file.
struct Value {
  enum class Kind : std::uint8_t { text, integer, real, boolean, date, array, table };
  Kind kind = Kind::table;
  Place place;
  std::string text;  ///< of a text; of a date, as TOML writes it
  std::int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<Value> items;    ///< of an array
  std::vector<Entry> entries;  ///< of a table

  /// As it would be written in a message: "text", 5, true, [...], {...}.
  [[nodiscard]] std::string to_string() const;
};

struct Entry {
  std::string key;
  Place place;  ///< of the key
  Value value;
};

/// Reads TOML text into its root table, or tells its first syntax fault.
[[nodiscard]] Result<Value, Fault> parse_document(std::string_view toml, const std::string& file_name);

}  // namespace bellhop::config
