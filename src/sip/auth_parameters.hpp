#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bellhop::sip {

inline constexpr std::size_t most_auth_parameters = 32;  ///< more of them are refused (threats 20)

/// The parameters of digest credentials that mean something to us (RFC 7616 section 3.4).
enum class DigestName : std::uint8_t {
  username,
  username_star,
  realm,
  nonce,
  uri,
  response,
  algorithm,
  qop,
  nc,
  cnonce,
  opaque,
  count_
};

/// The parameters of one Authorization value, each found by its name: what parse_auth() makes a list of, without heap.
/// Views into the value.
class DigestParameters {
 public:
  explicit DigestParameters(std::string_view value);

  /// False where parse_auth() refuses; nothing else is of use then.
  [[nodiscard]] bool good() const { return good_; }

  [[nodiscard]] bool has(DigestName name) const { return of(name).at != nullptr; }
  /// Without quotes, escapes kept; empty when there is none.
  [[nodiscard]] std::string_view value(DigestName name) const { return {of(name).at, of(name).size}; }
  [[nodiscard]] bool has_quoted_pairs(DigestName name) const {
    return !of(name).plain && value(name).find('\\') != std::string_view::npos;
  }

 private:
  struct Value {
    const char* at = nullptr;  ///< null: there is none
    std::size_t size = 0;
    bool plain = true;  ///< neither quoted-pairs nor folds in it
  };
  struct OtherName {  // not initialised: what is not counted is never read
    const char* at;
    std::size_t size;
  };
  [[nodiscard]] const Value& of(DigestName name) const { return values_[static_cast<std::size_t>(name)]; }
  [[nodiscard]] bool read_usual(std::string_view text);
  [[nodiscard]] bool add(DigestName name, Value value);
  [[nodiscard]] bool add_other(std::string_view name);

  std::array<Value, static_cast<std::size_t>(DigestName::count_)> values_;
  std::array<OtherName, most_auth_parameters> others_;  ///< they mean nothing to us, but stand once too
  std::size_t other_count_ = 0;
  bool good_ = false;
};

}  // namespace bellhop::sip
