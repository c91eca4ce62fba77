#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "config/document.hpp"
#include "config/snapshot.hpp"
#include "config/suggestion.hpp"

namespace bellhop::config {

// The kinds of values a setting can have. Each kind reads a Value of the file into the member it stands for, prints
// that member the way it would be written in the file, and describes itself for docs/settings.md. A new kind needs
// these four functions and nothing else.

/// Collects what is wrong with one value. A message says what is wrong and what would be right.
class Complaints {
 public:
  void add(const Value& where, std::string message) { list_.emplace_back(where.place, std::move(message)); }
  [[nodiscard]] bool none() const { return list_.empty(); }
  [[nodiscard]] const std::vector<std::pair<Place, std::string>>& list() const { return list_; }

 private:
  std::vector<std::pair<Place, std::string>> list_;
};

/// Whether the value is a text, complaining otherwise.
[[nodiscard]] bool is_text(const Value& value, std::string_view example, Complaints& complaints);
/// Whether the value is an array, complaining otherwise.
[[nodiscard]] bool is_array(const Value& value, std::string_view example, Complaints& complaints);

[[nodiscard]] std::string print_duration(Duration duration);  ///< "500ms", "1h"; the largest unit that is exact
[[nodiscard]] std::string print_size(std::size_t octets);     ///< "64KiB", "1300B"
[[nodiscard]] std::string print_list(const std::vector<std::string>& items);  ///< ["a", "b"]

/// "500ms", "30s", "5m", "1h", "1d".
struct Span {
  Duration least, most;
  void read(const Value& value, Duration& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(Duration value) { return '"' + print_duration(value) + '"'; }
  [[nodiscard]] static std::string type() { return "duration"; }
  [[nodiscard]] std::string range() const { return print_duration(least) + " to " + print_duration(most); }
};

/// "1300B", "64KiB", "8MiB", "1GiB".
struct Size {
  std::size_t least, most;
  void read(const Value& value, std::size_t& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(std::size_t value) { return '"' + print_size(value) + '"'; }
  [[nodiscard]] static std::string type() { return "size"; }
  [[nodiscard]] std::string range() const { return print_size(least) + " to " + print_size(most); }
};

/// A whole number.
struct Count {
  std::uint64_t least, most;
  [[nodiscard]] std::optional<std::uint64_t> number(const Value& value, Complaints& complaints) const;
  template <class T>
  void read(const Value& value, T& into, Complaints& complaints) const {
    static_assert(std::is_unsigned_v<T>);
    const std::uint64_t fits = std::min<std::uint64_t>(most, std::numeric_limits<T>::max());
    if (const auto n = Count{least, fits}.number(value, complaints)) into = static_cast<T>(*n);
  }
  [[nodiscard]] static std::string print(std::uint64_t value) { return std::to_string(value); }
  [[nodiscard]] static std::string type() { return "number"; }
  [[nodiscard]] std::string range() const { return std::to_string(least) + " to " + std::to_string(most); }
};

/// A q value: 0 to 1, kept in thousandths.
struct Quality {
  void read(const Value& value, std::uint16_t& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(std::uint16_t thousandths);
  [[nodiscard]] static std::string type() { return "q value"; }
  [[nodiscard]] static std::string range() { return "0.0 to 1.0"; }
};

struct Flag {
  void read(const Value& value, bool& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(bool value) { return value ? "true" : "false"; }
  [[nodiscard]] static std::string type() { return "true or false"; }
  [[nodiscard]] static std::string range() { return {}; }
};

/// A text that `fault` has nothing against: it answers what is wrong and what would be right, or an empty text.
struct Text {
  using Check = std::string (*)(std::string_view text);
  Check fault;
  std::string_view what;  ///< for the documentation: "host name"
  bool fold = false;      ///< kept in lower case
  bool secret = false;    ///< never repeated in a message
  void read(const Value& value, std::string& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const std::string& value) { return '"' + value + '"'; }
  [[nodiscard]] std::string type() const { return std::string(what); }
  [[nodiscard]] static std::string range() { return {}; }
};

/// An array of such texts.
struct Texts {
  Text each;
  void read(const Value& value, std::vector<std::string>& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const std::vector<std::string>& value) { return print_list(value); }
  [[nodiscard]] std::string type() const { return "list of " + each.type() + "s"; }
  [[nodiscard]] static std::string range() { return {}; }
};

/// One of a few words.
template <class E, std::size_t N>
struct Choice {
  std::array<std::pair<std::string_view, E>, N> words;

  void read(const Value& value, E& into, Complaints& complaints) const {
    if (value.kind == Value::Kind::text)
      for (const auto& [word, meaning] : words)
        if (value.text == word) {
          into = meaning;
          return;
        }
    complaints.add(value, value.to_string() + " is not possible here; write " + one_of(names()) +
                              (value.kind == Value::Kind::text ? did_you_mean(value.text, names()) : std::string()));
  }
  [[nodiscard]] std::string print(E value) const {
    for (const auto& [word, meaning] : words)
      if (meaning == value) return '"' + std::string(word) + '"';
    return {};
  }
  [[nodiscard]] static std::string type() { return "word"; }
  [[nodiscard]] std::string range() const { return one_of(names()); }

 private:
  [[nodiscard]] std::vector<std::string_view> names() const {
    std::vector<std::string_view> out;
    for (const auto& [word, meaning] : words) out.push_back(word);
    return out;
  }
};

/// An array of words, each for one bit of a set; what is known and not to be had yet is refused with the reason.
template <std::size_t N>
struct WordSet {
  struct Word {
    std::string_view word;
    std::uint16_t bit;  ///< 0: not to be had
  };
  std::array<Word, N> words;
  std::string_view missing;  ///< why those without a bit are refused

  void read(const Value& value, std::uint16_t& into, Complaints& complaints) const {
    if (!is_array(value, R"(["..."])", complaints)) return;
    into = 0;
    for (const Value& item : value.items) {
      const auto found = std::find_if(words.begin(), words.end(), [&](const Word& w) {
        return item.kind == Value::Kind::text && item.text == w.word;
      });
      if (found == words.end())
        complaints.add(item, item.to_string() + " is not possible here; write some of " + one_of(names()) +
                                 (item.kind == Value::Kind::text ? did_you_mean(item.text, names()) : std::string()));
      else if (found->bit == 0)
        complaints.add(item, item.to_string() + " " + std::string(missing) + "; take it out");
      else
        into = static_cast<std::uint16_t>(into | found->bit);
    }
  }
  [[nodiscard]] std::string print(std::uint16_t value) const {
    std::vector<std::string> items;
    for (const Word& w : words)
      if ((value & w.bit) != 0) items.emplace_back(w.word);
    return print_list(items);
  }
  [[nodiscard]] static std::string type() { return "list of words"; }
  [[nodiscard]] std::string range() const { return one_of(names()); }

 private:
  [[nodiscard]] std::vector<std::string_view> names() const {
    std::vector<std::string_view> out;
    for (const Word& w : words)
      if (w.bit != 0) out.push_back(w.word);
    return out;
  }
};

/// "127.0.0.1:5060", "[::1]:5060"; with a default port the port may be left out.
struct Address {
  std::uint16_t default_port = 0;  ///< 0: a port is required
  [[nodiscard]] std::optional<Endpoint> endpoint(const Value& value, Complaints& complaints) const;
  void read(const Value& value, Endpoint& into, Complaints& complaints) const;
  void read(const Value& value, std::optional<Endpoint>& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const Endpoint& value) { return '"' + value.to_string() + '"'; }
  [[nodiscard]] static std::string print(const std::optional<Endpoint>& value) { return value ? print(*value) : ""; }
  [[nodiscard]] static std::string type() { return "address:port"; }
  [[nodiscard]] static std::string range() { return {}; }
};

/// An array of such addresses.
struct Addresses {
  Address each;
  void read(const Value& value, std::vector<Endpoint>& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const std::vector<Endpoint>& value);
  [[nodiscard]] static std::string type() { return "list of addresses"; }
  [[nodiscard]] static std::string range() { return {}; }
};

/// ["192.0.2.7", "192.0.2.8:5070", "[2001:db8::1]:5070"]: without a port it is 0.
struct HostAddresses {
  void read(const Value& value, std::vector<Endpoint>& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const std::vector<Endpoint>& value);
  [[nodiscard]] static std::string type() { return "list of addresses"; }
  [[nodiscard]] static std::string range() { return {}; }
};

/// ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"].
struct Networks {
  void read(const Value& value, std::vector<Network>& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const std::vector<Network>& value);
  [[nodiscard]] static std::string type() { return "list of networks"; }
  [[nodiscard]] static std::string range() { return {}; }
};

/// One log level for all tags.
struct CommonLevel {
  void read(const Value& value, Log::Levels& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const Log::Levels& value);
  [[nodiscard]] static std::string type() { return "log level"; }
  [[nodiscard]] static std::string range();
};

/// Levels of single tags: { SIPS = "low-level" }.
struct TagLevels {
  void read(const Value& value, Log::Levels& into, Complaints& complaints) const;
  [[nodiscard]] static std::string print(const Log::Levels&) { return "{}"; }
  [[nodiscard]] static std::string type() { return "table of tag = log level"; }
  [[nodiscard]] static std::string range();
};

}  // namespace bellhop::config
