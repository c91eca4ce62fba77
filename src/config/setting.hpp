#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/kinds.hpp"

namespace bellhop::config {

/// Whether SIGHUP may change a setting or only a restart can.
enum class Change : std::uint8_t { live, restart };

/// One setting of a section S, declared once in settings.cpp: key, member, kind (type, unit, range), whether a reload
/// may change it, where it comes from (RFC or row of features.md) and a text for people. The default is the member's
/// initialiser in snapshot.hpp.
template <class S>
struct Setting {
  std::string_view key;
  Change change;
  std::string_view source;
  std::string_view text;
  std::string type;
  std::string range;
  std::function<void(const Value&, S&, Complaints&)> read;
  std::function<std::string(const S&)> print;
  bool required = false;

  template <class T, class Kind>
  Setting(std::string_view key_, T S::*member, const Kind& kind, Change change_, std::string_view source_,
          std::string_view text_)
      : key(key_),
        change(change_),
        source(source_),
        text(text_),
        type(kind.type()),
        range(kind.range()),
        read([member, kind](const Value& value, S& section, Complaints& complaints) {
          kind.read(value, section.*member, complaints);
        }),
        print([member, kind](const S& section) { return kind.print(section.*member); }) {}

  [[nodiscard]] Setting must() && {
    required = true;
    return std::move(*this);
  }
};

/// A section of the file: [name] once, or [[name]] as often as wanted.
template <class S>
struct Section {
  std::string_view name;
  bool repeated;
  std::string_view text;
  std::vector<Setting<S>> settings;

  [[nodiscard]] std::string heading() const {
    return (repeated ? "[[" : "[") + std::string(name) + (repeated ? "]]" : "]");
  }
};

}  // namespace bellhop::config
