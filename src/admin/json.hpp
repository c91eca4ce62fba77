#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bellhop::admin {

/// A JSON value: what commands answer with. Objects keep the order in which their members were added, so tables have
/// their columns where the author put them. Writing and reading are Boost.JSON's, which json.cpp alone includes.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  ///< null
  Json(bool value) : value_(value) {}
  Json(std::int64_t value) : value_(value) {}
  Json(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {}  ///< counters stay below 2^63
  Json(int value) : value_(static_cast<std::int64_t>(value)) {}
  Json(unsigned value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  [[nodiscard]] static Json object() { return Object{}; }
  [[nodiscard]] static Json array() { return Array{}; }

  /// Adds a member to an object (a null becomes one). Returns this, for chains.
  Json& set(std::string name, Json value);
  /// Adds an element to an array (a null becomes one).
  Json& push(Json value);

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&value_); }
  [[nodiscard]] const std::int64_t* as_integer() const { return std::get_if<std::int64_t>(&value_); }
  [[nodiscard]] const double* as_real() const { return std::get_if<double>(&value_); }
  [[nodiscard]] const std::string* as_text() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&value_); }
  [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&value_); }
  /// The member of this name; null when this is no object or has none.
  [[nodiscard]] const Json* find(std::string_view name) const;

  /// On one line, octets that are no UTF-8 replaced by U+FFFD.
  [[nodiscard]] std::string write() const;
  [[nodiscard]] static std::optional<Json> parse(std::string_view text);

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// For people: objects as aligned "name  value" lines, arrays of objects as tables with a heading, control characters
/// escaped (what a phone sent must not move the operator's cursor).
[[nodiscard]] std::string to_table(const Json& value);

}  // namespace bellhop::admin
