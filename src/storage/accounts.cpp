#include "storage/accounts.hpp"

#include <algorithm>

#include "base/endpoint.hpp"
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

unsigned hex_value(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

template <std::size_t size>
void hash_into(std::array<unsigned char, size>& out, crypto::HashAlgorithm algorithm, std::string_view user,
               std::string_view realm, std::string_view password) {
  const crypto::HexDigest digest = crypto::ha1(algorithm, user, realm, password);
  const std::string_view hex = digest.view();
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<unsigned char>(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
}

PasswordHashes hashes_of(std::string_view user, std::string_view realm, std::string_view password) {
  PasswordHashes out;
  hash_into(out.md5, crypto::HashAlgorithm::md5, user, realm, password);
  hash_into(out.sha256, crypto::HashAlgorithm::sha256, user, realm, password);
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
