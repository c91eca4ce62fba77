#include "auth/credentials.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/endpoint.hpp"
#include "base/text.hpp"

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
  return starts_with_ignore_case(value, scheme) && (value.size() == scheme.size() || value[scheme.size()] == ' ' ||
                                                    value[scheme.size()] == '\t' || value[scheme.size()] == '\r');
}

}  // namespace

class CredentialsReader {
 public:
  using Item = sip::AuthParameters::Item;

  explicit CredentialsReader(const sip::AuthParameters& parameters) {
    for (const Item& item : parameters.items) {
      const auto name = std::find_if(names.begin(), names.end(), [&](std::string_view known) {
        return item.name.size() == known.size() && (item.name == known || equals_ignore_case(item.name, known));
      });
      if (name != names.end()) items_[static_cast<std::size_t>(name - names.begin())] = &item;
    }
  }

  Result<Credentials, CredentialsError> read(std::string& realm) {
    out_.realm = text(Name::realm);
    realm = out_.realm;
    out_.username = text(Name::username);
    out_.nonce = text(Name::nonce);
    out_.uri = text(Name::uri);
    out_.response = text(Name::response);
    const bool complete =
        has(Name::username) && has(Name::realm) && has(Name::nonce) && has(Name::uri) && has(Name::response);
    if (!complete || has(Name::username_star) || out_.username.empty()) return failure(CredentialsError::malformed);
    if (out_.nonce.empty() || out_.response.empty()) return failure(CredentialsError::not_yet_made);
    out_.opaque = value(Name::opaque);
    if (!read_qop()) return failure(CredentialsError::malformed);
    if (!read_algorithm()) return failure(CredentialsError::unknown_algorithm);
    // A session key is made from the cnonce, which comes with qop only (RFC 3261 section 22.4 item 8).
    if (out_.session && out_.qop.empty()) return failure(CredentialsError::malformed);
    return std::move(out_);
  }

 private:
  /// The parameters that mean something here.
  enum class Name : std::uint8_t {
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
    opaque
  };
  static constexpr std::array<std::string_view, 11> names{
      "username", "username*", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque"};

  [[nodiscard]] const Item* item(Name name) const { return items_[static_cast<std::size_t>(name)]; }
  [[nodiscard]] bool has(Name name) const { return item(name) != nullptr; }
  [[nodiscard]] std::string_view value(Name name) const { return has(name) ? item(name)->value : std::string_view(); }

  /// The value as it goes into the hash: without quotes and quoted-pairs.
  std::string_view text(Name name) {
    const Item* const found = item(name);
    if (found == nullptr) return {};
    if (!found->quoted || found->value.find('\\') == std::string_view::npos) return found->value;
    if (out_.resolved_.empty()) out_.resolved_.reserve(6);  // as many as there are calls: a growing vector moves texts
    std::string resolved;
    for (std::size_t i = 0; i < found->value.size(); ++i) {
      if (found->value[i] == '\\' && i + 1 < found->value.size()) ++i;
      resolved += found->value[i];
    }
    return out_.resolved_.emplace_back(std::move(resolved));
  }

  bool read_qop() {
    if (!has(Name::qop)) return true;
    out_.qop = value(Name::qop);
    out_.count_text = value(Name::nc);
    out_.count = count_from(out_.count_text);
    out_.cnonce = text(Name::cnonce);
    const bool known = equals_ignore_case(out_.qop, "auth") || equals_ignore_case(out_.qop, "auth-int");
    return known && out_.count != 0 && !out_.cnonce.empty();
  }

  bool read_algorithm() {
    constexpr std::string_view suffix = "-sess";
    std::string_view name = value(Name::algorithm);
    if (name.empty()) return !has(Name::algorithm);  // absent means MD5
    if (name.size() > suffix.size() && equals_ignore_case(name.substr(name.size() - suffix.size()), suffix)) {
      out_.session = true;
      name.remove_suffix(suffix.size());
    }
    const auto algorithm = crypto::hash_algorithm_from(name);
    if (!algorithm || *algorithm == crypto::HashAlgorithm::sha512_256) return false;  // no H(A1) of it is kept
    out_.algorithm = *algorithm;
    return true;
  }

  std::array<const Item*, names.size()> items_{};
  Credentials out_;
};

Result<Credentials, CredentialsError> read_credentials(std::string_view value, std::string& realm) {
  realm.clear();
  if (!is_digest(value)) return failure(CredentialsError::other_scheme);
  const auto parameters = sip::parse_auth(value);
  if (!parameters) return failure(CredentialsError::malformed);
  return CredentialsReader(*parameters).read(realm);
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
