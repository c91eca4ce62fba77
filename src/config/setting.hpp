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
/// may change it, where it comes from (RFC, row of features.md or threats.md) and a text for people. The default is the
/// member's initialiser in snapshot.hpp.
template <class S>
struct Setting {
  std::string_view key;
  bool required = false;
  Change change = Change::live;
  std::string_view source;
  std::string_view text;
  std::string type;
  std::string range;
  std::function<void(const Value&, S&, Complaints&)> read;
  std::function<std::string(const S&)> print;
};

/// A section of the file: [name] once, or [[name]] as often as wanted.
template <class S>
class Section {
 public:
  Section(std::string_view name_, bool repeated_, std::string_view text_)
      : name(name_), repeated(repeated_), text(text_) {}

  std::string_view name;
  bool repeated;
  std::string_view text;
  std::vector<Setting<S>> settings;

  [[nodiscard]] std::string heading() const {
    return (repeated ? "[[" : "[") + std::string(name) + (repeated ? "]]" : "]");
  }

  /// Declares a setting. Kept out of line: inlined a hundred times it would take the compiler minutes.
  template <class T, class Kind>
  [[gnu::noinline]] Section& may(std::string_view key, T S::* member, const Kind& kind, Change change,
                                 std::string_view source, std::string_view meaning) {
    Setting<S>& setting = settings.emplace_back();
    setting.key = key;
    setting.change = change;
    setting.source = source;
    setting.text = meaning;
    setting.type = kind.type();
    setting.range = kind.range();
    setting.read = [member, kind](const Value& value, S& section, Complaints& complaints) {
      kind.read(value, section.*member, complaints);
    };
    setting.print = [member, kind](const S& section) { return kind.print(section.*member); };
    return *this;
  }

  /// The same for a setting that must be there.
  template <class T, class Kind>
  [[gnu::noinline]] Section& must(std::string_view key, T S::* member, const Kind& kind, Change change,
                                  std::string_view source, std::string_view meaning) {
    may(key, member, kind, change, source, meaning);
    settings.back().required = true;
    return *this;
  }
};

}  // namespace bellhop::config
