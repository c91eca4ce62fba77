#include "storage/accounts.hpp"

#include <algorithm>

#include "base/endpoint.hpp"
#include "base/hex.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace bellhop::storage {
namespace {

constexpr std::size_t longest_user = 128;
constexpr std::size_t longest_domain = 253;
constexpr std::size_t longest_password = 256;
constexpr std::size_t longest_target = 512;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// `hex` has two digits for each octet, and nothing else.
template <std::size_t size>
void octets_into(std::array<unsigned char, size>& out, std::string_view hex) {
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<unsigned char>(*hex_value(hex[2 * i]) << 4 | *hex_value(hex[2 * i + 1]));
}

PasswordHashes hashes_of(std::string_view user, std::string_view realm, std::string_view password) {
  PasswordHashes out;
  octets_into(out.md5, crypto::ha1(crypto::HashAlgorithm::md5, user, realm, password).view());
  octets_into(out.sha256, crypto::ha1(crypto::HashAlgorithm::sha256, user, realm, password).view());
  return out;
}

Credential credential_of(std::string_view name, const std::string& realm, std::string_view account_user,
                         std::string_view password) {
  std::string qualified(name);
  qualified += '@';
  qualified += realm;
  return {std::string(name), realm, to_lower(account_user), hashes_of(name, realm, password),
          hashes_of(qualified, realm, password)};
}

}  // namespace

std::string_view text_of(StoreError error) {
  switch (error) {
    case StoreError::not_found: return "not found";
    case StoreError::exists: return "exists already";
    case StoreError::invalid: return "not a valid name, password or target";
    case StoreError::no_common_algorithm:
      return "accounts of this domain would have an H(A1) for MD5 alone and others for SHA-256 alone, but all of a "
             "domain get the same challenge; give both to the ones or the others";
    case StoreError::unavailable: break;
  }
  return "the database cannot be used";
}

std::vector<Credential> make_credentials(std::string_view name, std::string_view domain, std::string_view account_user,
                                         std::string_view password) {
  const std::string realm = to_lower(domain);
  const std::string folded = to_lower(name);
  std::vector<Credential> out;
  out.reserve(2);
  out.push_back(credential_of(folded, realm, account_user, password));
  if (folded != name) out.push_back(credential_of(name, realm, account_user, password));
  return out;
}

Credential given_credential(std::string_view name, std::string_view domain, const PasswordHashes& ha1) {
  return {std::string(name), to_lower(domain), to_lower(name), ha1, {}};
}

bool add_ha1(std::string_view hex, PasswordHashes& ha1) {
  if (!std::all_of(hex.begin(), hex.end(), [](char c) { return hex_value(c).has_value(); })) return false;
  if (hex.size() == 2 * ha1.md5.size() && !ha1.has_md5()) {
    octets_into(ha1.md5, hex);
    return ha1.has_md5();
  }
  if (hex.size() == 2 * ha1.sha256.size() && !ha1.has_sha256()) {
    octets_into(ha1.sha256, hex);
    return ha1.has_sha256();
  }
  return false;
}

bool valid_user(std::string_view user) {
  constexpr std::string_view reserved = " \"@:<>\\";
  return !user.empty() && user.size() <= longest_user && std::none_of(user.begin(), user.end(), [&](char c) {
    return is_control(c) || reserved.find(c) != std::string_view::npos;
  });
}

bool valid_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > longest_domain) return false;
  if (domain.front() == '[') return domain.back() == ']' && IpAddress::parse(domain).has_value();
  return std::all_of(domain.begin(), domain.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '_' || l == '.';
  });
}

bool valid_password(std::string_view password) {
  return !password.empty() && password.size() <= longest_password &&
         std::none_of(password.begin(), password.end(), is_control);
}

std::string canonical_target(std::string_view target, std::string_view domain) {
  if (target.empty() || target.size() > longest_target) return {};
  if (std::any_of(target.begin(), target.end(),
                  [](char c) { return is_control(c) || c == ' ' || c == '<' || c == '>'; }))
    return {};
  const bool is_sip = starts_with_ignore_case(target, "sip:");
  const bool is_uri = is_sip || starts_with_ignore_case(target, "sips:") || starts_with_ignore_case(target, "tel:");
  const std::string_view address = is_sip ? target.substr(4) : target;
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) {
    if (is_uri) return address.empty() ? std::string() : std::string(target);
    return valid_user(target) ? to_lower(target) : std::string();
  }
  const std::string_view user = address.substr(0, at);
  if (equals_ignore_case(address.substr(at + 1), domain) && valid_user(user)) return to_lower(user);
  if (is_uri) return std::string(target);
  return valid_user(user) && valid_domain(address.substr(at + 1)) ? "sip:" + std::string(target) : std::string();
}

}  // namespace bellhop::storage
