#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/result.hpp"

namespace bellhop::sip {

enum class Scheme : std::uint8_t { sip, sips, tel, other };

enum class UriError : std::uint8_t {
  empty,
  no_scheme,
  bad_scheme,
  bad_user,
  bad_password,
  no_host,
  bad_host,
  bad_port,
  bad_parameter,
  bad_header,
  bad_number,
  too_long
};
[[nodiscard]] std::string_view text_of(UriError error);  ///< for a reason phrase or the log

/// Octets of the longest URI that is looked at; `too_long` above.
inline constexpr std::size_t longest_uri = 8192;

/// One name=value pair of a ;parameter list. `value` is empty for a flag; it keeps quotes and escapes as received.
struct Parameter {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

/// Iterates "a;b=c;d" lists (URI parameters, header parameters) in place: `for (Parameter p : ParameterList(text))`.
/// `text` is what follows the first ';' or starts with it. Malformed pieces end the iteration; parsers have already
/// refused them.
class ParameterList {
 public:
  /// Whether "%41" in a name means "A": it does in URI parameters and does not in header parameters.
  enum class Escapes : std::uint8_t { none, percent };

  explicit ParameterList(std::string_view text, Escapes escapes = Escapes::none) : text_(text), escapes_(escapes) {}
  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) { ++*this; }
    Iterator() = default;
    Parameter operator*() const { return current_; }
    Iterator& operator++();
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.done_ == b.done_; }

   private:
    std::string_view rest_;
    Parameter current_;
    bool done_ = true;
    friend class ParameterList;
  };
  [[nodiscard]] Iterator begin() const { return Iterator(text_); }
  [[nodiscard]] Iterator end() const { return Iterator(); }
  /// First parameter with this name (names are case-insensitive). Cost: a vector pass of 16 octets a step.
  [[nodiscard]] std::optional<Parameter> find(std::string_view name) const;
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  [[nodiscard]] std::optional<Parameter> find_one_by_one(std::string_view name) const;

  std::string_view text_;
  Escapes escapes_;
};

/// A parsed sip:, sips: or tel: URI (RFC 3261 section 19.1 and 25, RFC 5954 for IPv6, RFC 3966). A view: it points into
/// the text it was parsed from. Any other scheme parses as `other` with only `text` and `scheme_text` set.
struct Uri {
  std::string_view text;         ///< the whole URI
  std::string_view scheme_text;  ///< "sip"
  Scheme scheme = Scheme::other;
  std::string_view user;  ///< escaped as received, without password; for tel the number with its visual separators
  std::string_view password;
  std::string_view host;      ///< IPv6 with brackets; empty for tel
  std::uint16_t port = 0;     ///< 0: not given
  bool has_user = false;      ///< an "@" was there
  bool has_password = false;  ///< a ":" stood behind the user; the password may be empty
  bool has_port = false;
  std::string_view parameters;  ///< after the first ';' of the host part, "transport=tcp;lr"
  std::string_view headers;     ///< after '?'

  [[nodiscard]] bool is_sip() const { return scheme == Scheme::sip || scheme == Scheme::sips; }
  [[nodiscard]] ParameterList parameter_list() const {
    return ParameterList(parameters, ParameterList::Escapes::percent);
  }
  [[nodiscard]] std::optional<Parameter> parameter(std::string_view name) const { return parameter_list().find(name); }
};

[[nodiscard]] Result<Uri, UriError> parse_uri(std::string_view text);

/// RFC 3261 section 19.1.4 (RFC 3966 section 5 for tel). Escapes are compared decoded; the domain and parameters
/// ignore case, the user does not.
[[nodiscard]] bool equivalent(const Uri& a, const Uri& b);

/// %-escapes decoded. Invalid escapes stay as they are; the result may hold any octet, so it is for comparing and for
/// look-ups, never for writing into a message.
[[nodiscard]] std::string unescape(std::string_view text);
/// Escapes what may not stand in the user part of a SIP URI.
[[nodiscard]] std::string escape_user(std::string_view text);

/// A host as the grammar allows it: hostname, IPv4address or IPv6reference (RFC 5954). Returns its length at the start
/// of `text`, 0 when none. Exposed because Via sent-by and URIs share it. Beyond the grammar, because the field needs
/// it: "_" counts as a letter (and carries the ._tcp and ._via suffixes, CGP-18, 19), the last label may begin with a
/// digit if it is no number (container hosts), and ":::" before an IPv4 address in brackets is tolerated (RFC 5118
/// section 4.10).
[[nodiscard]] std::size_t host_length(std::string_view text);
/// The address a URI or sent-by host spells; nothing for a name. Knows the ":::" that host_length tolerates.
[[nodiscard]] std::optional<IpAddress> host_address(std::string_view host);

/// The key under which bindings, accounts and domains are looked up: user decoded, host in lower case, no port and no
/// parameters (RFC 3261 section 10.3 item 5). Folding the user's case is the registrar's setting.
[[nodiscard]] std::string address_of_record(const Uri& uri, bool fold_user_case);

}  // namespace bellhop::sip
