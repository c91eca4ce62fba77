#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sip/method.hpp"
#include "sip/uri.hpp"

namespace bellhop::sip {

// Parsed header field values. All are views into the text they were parsed from. Parsers accept what RFC 3261
// section 25 (with errata) accepts and nothing else; they never allocate unless the result holds a vector.

enum class ValueError : std::uint8_t { malformed, out_of_range, too_many };

/// Via (RFC 3261 section 20.42, RFC 3581, RFC 5626 alias/keep are seen in `parameters`).
struct Via {
  std::string_view protocol;   ///< "SIP/2.0" as received
  std::string_view transport;  ///< "UDP", case as received
  std::string_view host;       ///< sent-by host, IPv6 in brackets
  std::uint16_t port = 0;      ///< 0: not given
  std::string_view branch;     ///< empty: an RFC 2543 peer
  std::string_view received;   ///< without validation
  std::string_view maddr;
  std::string_view ttl;
  std::string_view rport_text;  ///< its value
  bool has_rport = false;       ///< present, with or without a value
  std::string_view parameters;  ///< all of them, without the leading ';'
  std::string_view text;        ///< this one value, trimmed

  /// The branch starts with the magic cookie (RFC 3261 section 8.1.1.7), compared without case.
  [[nodiscard]] bool has_cookie() const;
  /// There is a branch, no other parameter but perhaps an rport without a value, and no white space between them.
  [[nodiscard]] bool has_branch_and_rport_alone() const;
};

/// The first Via of a header field value that may hold several; `rest` (may be null) receives what follows the comma,
/// empty at the end. A comma with nothing behind it, a repeated branch, received, rport, maddr or ttl, or one of a
/// wrong form is malformed.
[[nodiscard]] Result<Via, ValueError> parse_via(std::string_view value, std::string_view* rest = nullptr);

/// name-addr or addr-spec with header parameters: From, To, Contact, Route, Record-Route, Path, Refer-To ...
/// (RFC 3261 section 20.10; in the addr-spec form, ';' and '?' parameters belong to the header, not to the URI; RFC
/// 8217).
struct NameAddr {
  std::string_view display_name;  ///< as received, quotes kept
  Uri uri;
  std::string_view parameters;  ///< header parameters, without the leading ';'
  std::string_view tag_value;   ///< of the tag parameter
  std::string_view text;        ///< this one value, trimmed
  bool angle_brackets = false;
  [[nodiscard]] ParameterList parameter_list() const { return ParameterList(parameters); }
  [[nodiscard]] std::optional<Parameter> parameter(std::string_view name) const { return parameter_list().find(name); }
  /// The tag parameter; empty when absent.
  [[nodiscard]] std::string_view tag() const { return tag_value; }
};

/// The first of a list, as in parse_via; without `rest` the value must be the only one (`too_many`). A repeated, empty
/// or non-token tag is malformed.
[[nodiscard]] Result<NameAddr, ValueError> parse_name_addr(std::string_view value, std::string_view* rest = nullptr);

/// Contact: one value, or "*".
struct Contact {
  bool star = false;
  NameAddr address;
  /// A value that is no number reads as 3600, one above 2^32-1 as 2^32-1 (RFC 3261 section 10.2.1.1).
  std::optional<std::uint32_t> expires;
  std::optional<std::uint16_t> q;  ///< thousandths, 0..1000
};
/// As parse_name_addr. "*" must be alone; a repeated q or expires is malformed, a q above 1 or of another form
/// out_of_range.
[[nodiscard]] Result<Contact, ValueError> parse_contact(std::string_view value, std::string_view* rest = nullptr);

struct CSeq {
  std::uint32_t number = 0;  ///< below 2^31
  Method method = Method::other;
  std::string_view method_text;
};
[[nodiscard]] Result<CSeq, ValueError> parse_cseq(std::string_view value);

/// Authorization / Proxy-Authorization and the two challenges: scheme and auth-params (RFC 7616, RFC 8760).
struct AuthParameters {
  std::string_view scheme;  ///< "Digest"
  struct Item {
    std::string_view name;
    std::string_view value;  ///< without quotes, escapes kept
    bool quoted = false;
  };
  std::vector<Item> items;
  [[nodiscard]] const Item* find(std::string_view name) const;  ///< name without case; null when absent
  [[nodiscard]] std::string_view value(std::string_view name) const;
};
/// Refuses repeated parameters and more than 32 of them.
[[nodiscard]] Result<AuthParameters, ValueError> parse_auth(std::string_view value);

/// Expires, Max-Forwards, Min-Expires, Content-Length ...: delta-seconds or counts. Only digits.
[[nodiscard]] Result<std::uint32_t, ValueError> parse_number(std::string_view value, std::uint32_t max);

/// q value "0.5" as thousandths (RFC 3261 section 25.1).
[[nodiscard]] std::optional<std::uint16_t> parse_q(std::string_view text);
/// The parameter as it is written into a Contact: ";q=0.5".
void append_q(std::string& out, std::uint16_t thousandths);

/// Cuts the next element off a comma-separated list, respecting quotes and angle brackets. Returns it trimmed and moves
/// `list` behind the comma; nothing at the end. Between two commas it returns an empty element, which no parser
/// accepts; an unterminated quote or bracket makes all the rest one (bad) element. Linear over a whole list.
[[nodiscard]] std::optional<std::string_view> next_in_list(std::string_view& list);

/// Whether a comma-separated token list (Require, Supported, Allow) holds `token`, without case.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token);

[[nodiscard]] bool is_token(std::string_view text);
/// A quoted-string's content with quoted-pairs resolved.
[[nodiscard]] std::string unquote(std::string_view text);
/// `text` as a quoted-string, quotes and backslashes escaped.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace bellhop::sip
