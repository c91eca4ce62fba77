#include "config/document.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/text.hpp"

namespace bellhop::config {

namespace {

Place place_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

template <class T>
std::string written(const T& date) {
  std::ostringstream out;
  out << date;
  return out.str();
}

Value convert(const toml::node& node);

std::vector<Entry> convert_entries(const toml::table& table) {
  std::vector<Entry> entries;
  entries.reserve(table.size());
  for (const auto& [key, node] : table)
    entries.push_back({std::string(key.str()), place_of(key.source()), convert(node)});
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.place.line != b.place.line ? a.place.line < b.place.line : a.place.column < b.place.column;
  });
  return entries;
}

Value convert(const toml::node& node) {
  Value value;
  value.place = place_of(node.source());
  node.visit([&](const auto& n) {
    using Node = std::remove_cvref_t<decltype(n)>;
    if constexpr (toml::is_table<Node>) {
      value.kind = Value::Kind::table;
      value.entries = convert_entries(n);
    } else if constexpr (toml::is_array<Node>) {
      value.kind = Value::Kind::array;
      for (const toml::node& item : n) value.items.push_back(convert(item));
    } else if constexpr (toml::is_string<Node>) {
      value.kind = Value::Kind::text;
      value.text = n.get();
    } else if constexpr (toml::is_integer<Node>) {
      value.kind = Value::Kind::integer;
      value.integer = n.get();
    } else if constexpr (toml::is_floating_point<Node>) {
      value.kind = Value::Kind::real;
      value.real = n.get();
    } else if constexpr (toml::is_boolean<Node>) {
      value.kind = Value::Kind::boolean;
      value.boolean = n.get();
    } else {
      value.kind = Value::Kind::date;
      value.text = written(n.get());
    }
  });
  return value;
}

}  // namespace

std::string Value::to_string() const {
  switch (kind) {
    case Kind::text: return quoted_for_log(text, 60);
    case Kind::integer: return fmt::format("{}", integer);
    case Kind::real: return fmt::format("{}", real);
    case Kind::boolean: return boolean ? "true" : "false";
    case Kind::date: return text;
    case Kind::array: return items.empty() ? "[]" : "[...]";
    case Kind::table: return entries.empty() ? "{}" : "{...}";
  }
  return {};
}

Result<Value, Fault> parse_document(std::string_view toml, const std::string& file_name) {
  try {
    return convert(toml::parse(toml));
  } catch (const toml::parse_error& error) {
    const Place place = place_of(error.source());
    return failure(Fault{file_name, place.line, place.column, std::string(error.description())});
  }
}

}  // namespace bellhop::config
