#include "auth/credentials.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "sip/auth_parameters.hpp"

namespace bellhop::auth {
namespace {

/// 8LHEX, in either case; 0 is no count (RFC 7616 section 3.4: the first request has 00000001).
std::uint32_t count_from(std::string_view text) {
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count, 16);
  return text.size() == 8 && error == std::errc{} && stop == end ? count : 0;
}

bool is_digest(std::string_view value) {
  constexpr std::string_view scheme = "Digest";
  if (value.starts_with("Digest ")) return true;  // as nearly all write it
  return starts_with_ignore_case(value, scheme) && (value.size() == scheme.size() || value[scheme.size()] == ' ' ||
                                                    value[scheme.size()] == '\t' || value[scheme.size()] == '\r');
}

}  // namespace

class CredentialsReader {
 public:
  using Name = sip::DigestName;

  CredentialsReader(const sip::DigestParameters& parameters, Credentials& fresh)
      : parameters_(parameters), out_(fresh) {}

  Result<void, CredentialsError> read(std::string_view our_realm) {
    out_.realm = text(Name::realm);
    if (!out_.realm.empty() && out_.realm != our_realm) return failure(CredentialsError::other_realm);
    out_.username = text(Name::username);
    out_.nonce = text(Name::nonce);
    out_.uri = text(Name::uri);
    out_.response = text(Name::response);
    for (const Name name : {Name::username, Name::realm, Name::nonce, Name::uri, Name::response})
      if (!parameters_.has(name)) return failure(CredentialsError::malformed);
    if (parameters_.has(Name::username_star) || out_.username.empty()) return failure(CredentialsError::malformed);
    if (out_.nonce.empty() || out_.response.empty()) return failure(CredentialsError::not_yet_made);
    out_.opaque = parameters_.value(Name::opaque);
    if (!read_qop()) return failure(CredentialsError::malformed);
    if (!read_algorithm()) return failure(CredentialsError::unknown_algorithm);
    // A session key is made from the cnonce, which comes with qop only (RFC 3261 section 22.4 item 8).
    if (out_.session && out_.qop.empty()) return failure(CredentialsError::malformed);
    return {};
  }

 private:
  /// The value as it goes into the hash: without quotes and quoted-pairs.
  std::string_view text(Name name) {
    return parameters_.has_quoted_pairs(name) ? unescaped(name) : parameters_.value(name);
  }
  std::string_view unescaped(Name name) {
    const std::string_view value = parameters_.value(name);
    if (out_.resolved_.empty()) out_.resolved_.reserve(6);  // as many as there are calls: a growing vector moves texts
    std::string resolved;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\\' && i + 1 < value.size()) ++i;
      resolved += value[i];
    }
    return out_.resolved_.emplace_back(std::move(resolved));
  }

  bool read_qop() {
    if (!parameters_.has(Name::qop)) return true;
    out_.qop = parameters_.value(Name::qop);
    out_.count_text = parameters_.value(Name::nc);
    out_.count = count_from(out_.count_text);
    out_.cnonce = text(Name::cnonce);
    const bool known =
        out_.qop == "auth" || equals_ignore_case(out_.qop, "auth") || equals_ignore_case(out_.qop, "auth-int");
    return known && out_.count != 0 && !out_.cnonce.empty();
  }

  bool read_algorithm() {
    constexpr std::string_view suffix = "-sess";
    std::string_view name = parameters_.value(Name::algorithm);
    if (name.empty()) return !parameters_.has(Name::algorithm);  // absent means MD5
    if (name.size() > suffix.size() && equals_ignore_case(name.substr(name.size() - suffix.size()), suffix)) {
      out_.session = true;
      name.remove_suffix(suffix.size());
    }
    const auto algorithm = crypto::hash_algorithm_from(name);
    if (!algorithm || *algorithm == crypto::HashAlgorithm::sha512_256) return false;  // no H(A1) of it is kept
    out_.algorithm = *algorithm;
    return true;
  }

  const sip::DigestParameters& parameters_;
  Credentials& out_;
};

Result<void, CredentialsError> read_credentials(std::string_view value, std::string_view our_realm,
                                                Credentials& fresh) {
  if (!is_digest(value)) return failure(CredentialsError::other_scheme);
  const sip::DigestParameters parameters(value);
  if (!parameters.good()) return failure(CredentialsError::malformed);
  return CredentialsReader(parameters, fresh).read(our_realm);
}

bool uri_belongs_to(std::string_view uri, const sip::Message& request) {
  if (uri.empty()) return false;
  if (uri == request.request_uri_text()) return true;
  const auto& asked = request.request_uri();
  const auto named = sip::parse_uri(uri);
  if (!asked || !named) return false;
  if (sip::equivalent(*named, *asked)) return true;
  // SIPp signs "sip:ADDRESS:PORT" of the server it talks to, whatever it asks for: the server as a whole.
  if (named->scheme == sip::Scheme::sip && !named->has_user && IpAddress::parse(named->host)) return true;
  return named->is_sip() && asked->is_sip() && equals_ignore_case(named->host, asked->host) &&
         (named->user == asked->user || sip::unescape(named->user) == sip::unescape(asked->user));
}

}  // namespace bellhop::auth
