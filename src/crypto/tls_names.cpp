#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/text.hpp"
#include "crypto/tls_identity.hpp"
#include "crypto/tls_library.hpp"

namespace bellhop::crypto {
namespace {

constexpr const char* sip_domain_usage = "1.3.6.1.5.5.7.3.20";  // id-kp-sipDomain of RFC 5924

std::string_view octets_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// What can stand for a host: an octet outside (a NUL above all) would let a name be read differently elsewhere.
bool is_host(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == '_' ||
           c == '*' || c == ':' || c == '[' || c == ']';
  });
}

void add(std::vector<std::string>& names, std::string_view name) {
  if (!is_host(name)) return;
  std::string folded = to_lower(name);
  if (std::find(names.begin(), names.end(), folded) == names.end()) names.push_back(std::move(folded));
}

/// The hostpart of a "sip:" URI that names a domain; empty for every other URI.
std::string_view host_of_sip_uri(std::string_view uri) {
  if (!starts_with_ignore_case(uri, "sip:") || uri.find('@') != uri.npos) return {};
  uri.remove_prefix(4);
  const bool reference = uri.starts_with('[');
  const auto end = reference ? uri.find(']') + 1 : uri.find_first_of(":;?");
  return uri.substr(0, end);
}

std::vector<std::string> common_names(const X509& certificate) {
  std::vector<std::string> names;
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    add(names, octets_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  }
  return names;
}

}  // namespace

std::vector<std::string> sip_domains_of(const x509_st& certificate) {
  const CleanErrors clean;
  int found = 0;
  auto* alternatives =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, &found, nullptr));
  constexpr int absent = -1;
  if (alternatives == nullptr) return found == absent ? common_names(certificate) : std::vector<std::string>{};
  std::vector<std::string> domains, hosts;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_URI) add(domains, host_of_sip_uri(octets_of(name->d.uniformResourceIdentifier)));
    if (name->type == GEN_DNS) add(hosts, octets_of(name->d.dNSName));
  }
  GENERAL_NAMES_free(alternatives);
  return domains.empty() ? hosts : domains;
}

bool usable_for_sip(const x509_st& certificate, bool peer_is_client) {
  // The flags are computed and kept at the first look, which the library does not call a change.
  auto* subject = const_cast<X509*>(&certificate);
  if ((X509_get_extension_flags(subject) & EXFLAG_XKUSAGE) == 0) return true;
  const std::uint32_t wanted = XKU_ANYEKU | XKU_SSL_SERVER | (peer_is_client ? XKU_SSL_CLIENT : 0u);
  if ((X509_get_extended_key_usage(subject) & wanted) != 0) return true;

  const CleanErrors clean;
  auto* usages = static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(subject, NID_ext_key_usage, nullptr, nullptr));
  bool named = false;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages); ++i) {
    char text[40];
    OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usages, i), 1);
    named = named || std::string_view(text) == sip_domain_usage;
  }
  EXTENDED_KEY_USAGE_free(usages);
  return named;
}

bool same_sip_domain(std::string_view a, std::string_view b) {
  return !a.empty() && equals_ignore_case(a, b);
}

}  // namespace bellhop::crypto
