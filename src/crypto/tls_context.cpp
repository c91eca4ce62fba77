#include "crypto/tls_context.hpp"

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "base/text.hpp"
#include "crypto/tls_impl.hpp"
#include "crypto/tls_material.hpp"

namespace bellhop::crypto {
namespace {

using Impl = TlsContext::Impl;
using IdentityPtr = std::shared_ptr<const TlsIdentity>;

constexpr long ticket_seconds = 7200;
constexpr long most_peer_chain_octets = 32 * 1024;  // four RSA-4096 certificates are 8 KiB
constexpr int most_issuers = 8;

/// SNI has no dot at the end (RFC 6066 section 3), configurations sometimes do.
std::string folded(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return to_lower(name);
}

void add_identity(Impl& impl, const IdentityPtr& identity) {
  auto& all = impl.identities;
  if (identity != nullptr && std::find(all.begin(), all.end(), identity) == all.end()) all.push_back(identity);
}

/// The first that claims a name has it: what the configuration says, then certificates in their order.
void index_names(Impl& impl, const TlsSettings& settings) {
  for (const auto& named : settings.by_server_name) {
    if (named.identity != nullptr && !named.server_name.empty())
      impl.exact.try_emplace(folded(named.server_name), named.identity);
  }
  for (const auto& identity : impl.identities) {
    for (const auto& name : identity->facts().names) {
      const bool wild = name.starts_with("*.");
      (wild ? impl.wildcard : impl.exact).try_emplace(wild ? name.substr(1) : name, identity);
    }
  }
}

void set_callbacks(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, tls_callback::client_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, tls_callback::server_name);
  SSL_CTX_set_alpn_select_cb(context, tls_callback::choose_protocol, nullptr);
  SSL_CTX_set_cert_verify_callback(context, tls_callback::verify, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, tls_callback::seal_ticket);
  SSL_CTX_set_session_ticket_cb(context, tls_callback::fill_ticket, tls_callback::judge_ticket, nullptr);
}

int library_version(TlsVersion version) {
  return version == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

/// RFC 9325 sections 3 and 4; what an idle connection holds on to is kept small.
bool set_protocol(SSL_CTX* context, const TlsSettings& settings) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, ticket_seconds);
  SSL_CTX_set_max_cert_list(context, most_peer_chain_octets);
  SSL_CTX_set_verify_depth(context, most_issuers);
  SSL_CTX_set_max_early_data(context, 0);
  return SSL_CTX_set_min_proto_version(context, library_version(settings.min_version)) == 1 &&
         SSL_CTX_set_max_proto_version(context, library_version(settings.max_version)) == 1 &&
         SSL_CTX_set_num_tickets(context, 1) == 1 && SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

void tell_authorities(SSL_CTX* context, const Trust& trust) {
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  for (const auto& der : trust.subjects) {
    const auto* octets = reinterpret_cast<const unsigned char*>(der.data());
    X509_NAME* name = d2i_X509_NAME(nullptr, &octets, static_cast<long>(der.size()));
    if (name != nullptr && sk_X509_NAME_push(names, name) == 0) X509_NAME_free(name);
  }
  SSL_CTX_set_client_CA_list(context, names);
}

/// Each is tried on a connection, so that one the library refuses is found now and not by the first client that asks.
std::optional<std::string> use_identities(const Impl& impl) {
  for (const auto& identity : impl.identities) {
    const Owned<SSL> probe(SSL_new(impl.library.get()));
    if (probe == nullptr) throw std::bad_alloc();
    if (show_identity(probe.get(), *identity)) continue;
    return "the certificate " + identity->facts().subject + " cannot be used: " + library_error();
  }
  if (impl.identities.empty()) return std::nullopt;
  const auto& shown = impl.identities.front()->material();
  SSL_CTX_use_cert_and_key(impl.library.get(), shown.certificate.get(), shown.key.get(), shown.chain.get(), 1);
  return std::nullopt;
}

std::optional<std::string> prepare(Impl& impl, const TlsSettings& settings) {
  const CleanErrors clean;
  impl.library.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = impl.library.get();
  if (context == nullptr) return "OpenSSL cannot make a TLS context: " + library_error();
  SSL_CTX_set_security_level(context, 2);
  if (settings.min_version > settings.max_version) return "the lowest version allowed is above the highest";
  if (!set_protocol(context, settings)) return "OpenSSL refuses the protocol: " + library_error();
  if (SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1) {
    return "the cipher list " + quoted_for_log(settings.ciphers) + " names no cipher this OpenSSL has";
  }
  set_callbacks(context);

  auto trust = load_trust(settings.ca_file);
  if (!trust) return std::move(trust.error());
  tell_authorities(context, *trust);
  SSL_CTX_set_cert_store(context, trust->store.release());
  impl.trust_digest = std::move(trust->digest);

  return use_identities(impl);
}

}  // namespace

std::string_view name_of(TlsVersion version) {
  return version == TlsVersion::tls_1_3 ? "TLS 1.3" : "TLS 1.2";
}

TlsTicketKey random_ticket_key() {
  TlsTicketKey key;
  const auto fill = [](auto& octets) { return RAND_bytes(octets.data(), static_cast<int>(octets.size())) == 1; };
  if (!fill(key.name) || !fill(key.cipher_key) || !fill(key.mac_key)) {
    throw std::runtime_error("OpenSSL has no randomness");
  }
  return key;
}

bool show_identity(ssl_st* connection, const TlsIdentity& identity) {
  const auto& material = identity.material();
  SSL_certs_clear(connection);  // a default of another key type would stay beside it
  return SSL_use_cert_and_key(connection, material.certificate.get(), material.key.get(), material.chain.get(), 1) == 1;
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TlsContext::~TlsContext() = default;

TlsContext::Built TlsContext::build(const TlsSettings& settings) {
  auto impl = std::make_unique<Impl>();
  add_identity(*impl, settings.identity);
  for (const auto& named : settings.by_server_name) add_identity(*impl, named.identity);
  index_names(*impl, settings);
  impl->ticket_keys = settings.ticket_keys;
  if (impl->ticket_keys.empty()) impl->ticket_keys.push_back(random_ticket_key());
  if (auto trouble = prepare(*impl, settings)) return failure("TLS: " + *trouble);
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(impl)));
}

bool TlsContext::can_accept() const {
  return !impl_->identities.empty();
}

const TlsIdentity* TlsContext::identity_for(std::string_view server_name) const {
  if (impl_->identities.empty()) return nullptr;
  const std::string name = folded(server_name);
  if (const auto found = impl_->exact.find(name); found != impl_->exact.end()) return found->second.get();
  const auto dot = name.find('.');
  if (dot != name.npos && dot > 0) {
    const auto found = impl_->wildcard.find(std::string_view(name).substr(dot));
    if (found != impl_->wildcard.end()) return found->second.get();
  }
  return impl_->identities.front().get();
}

const std::vector<std::shared_ptr<const TlsIdentity>>& TlsContext::identities() const {
  return impl_->identities;
}

}  // namespace bellhop::crypto
