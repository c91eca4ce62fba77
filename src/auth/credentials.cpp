#include "auth/credentials.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>

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
  explicit CredentialsReader(const sip::AuthParameters& parameters) : parameters_(parameters) {}

  Result<Credentials, CredentialsError> read(std::string& realm) {
    out_.realm = text("realm");
    realm = out_.realm;
    out_.username = text("username");
    out_.nonce = text("nonce");
    out_.uri = text("uri");
    out_.response = text("response");
    if (!has({"username", "realm", "nonce", "uri", "response"}) || has({"username*"}) || out_.username.empty())
      return failure(CredentialsError::malformed);
    if (out_.nonce.empty() || out_.response.empty()) return failure(CredentialsError::not_yet_made);
    out_.opaque = parameters_.value("opaque");
    if (!read_qop()) return failure(CredentialsError::malformed);
    if (!read_algorithm()) return failure(CredentialsError::unknown_algorithm);
    // A session key is made from the cnonce, which comes with qop only (RFC 3261 section 22.4 item 8).
    if (out_.session && out_.qop.empty()) return failure(CredentialsError::malformed);
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool has(std::initializer_list<std::string_view> names) const {
    return std::all_of(names.begin(), names.end(), [&](auto name) { return parameters_.find(name) != nullptr; });
  }

  /// The value as it goes into the hash: without quotes and quoted-pairs.
  std::string_view text(std::string_view name) {
    const auto* item = parameters_.find(name);
    if (item == nullptr) return {};
    if (!item->quoted || item->value.find('\\') == std::string_view::npos) return item->value;
    if (out_.resolved_.empty()) out_.resolved_.reserve(6);  // as many as there are calls: a growing vector moves texts
    std::string resolved;
    for (std::size_t i = 0; i < item->value.size(); ++i) {
      if (item->value[i] == '\\' && i + 1 < item->value.size()) ++i;
      resolved += item->value[i];
    }
    return out_.resolved_.emplace_back(std::move(resolved));
  }

  bool read_qop() {
    if (!has({"qop"})) return true;
    out_.qop = parameters_.value("qop");
    out_.count_text = parameters_.value("nc");
    out_.count = count_from(out_.count_text);
    out_.cnonce = text("cnonce");
    const bool known = equals_ignore_case(out_.qop, "auth") || equals_ignore_case(out_.qop, "auth-int");
    return known && out_.count != 0 && !out_.cnonce.empty();
  }

  bool read_algorithm() {
    constexpr std::string_view suffix = "-sess";
    std::string_view name = parameters_.value("algorithm");
    if (name.empty()) return !has({"algorithm"});  // absent means MD5
    if (name.size() > suffix.size() && equals_ignore_case(name.substr(name.size() - suffix.size()), suffix)) {
      out_.session = true;
      name.remove_suffix(suffix.size());
    }
    const auto algorithm = crypto::hash_algorithm_from(name);
    if (!algorithm || *algorithm == crypto::HashAlgorithm::sha512_256) return false;  // no H(A1) of it is kept
    out_.algorithm = *algorithm;
    return true;
  }

  const sip::AuthParameters& parameters_;
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
