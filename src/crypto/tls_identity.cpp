#include "crypto/tls_identity.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <new>

#include "crypto/tls_material.hpp"

namespace bellhop::crypto {
namespace {

/// 112 bits: RSA of 2048 or any curve from P-224 (RFC 9325 section 4.5).
constexpr int least_security_bits = 112;

/// Where the PEM text came from, for the sentences.
struct Source {
  std::string certificates;
  std::string key;
};

using Failed = std::string;

Result<std::vector<Owned<X509>>, Failed> read_chain(std::string_view pem, const Source& source) {
  auto chain = certificates_in(pem);
  if (chain.unreadable > 0) return failure(source.certificates + ": a certificate in it cannot be decoded");
  if (!chain.read.empty()) return std::move(chain.read);
  return failure(source.certificates + (pem.find("-----BEGIN ") == pem.npos
                                            ? ": not a PEM file (no -----BEGIN CERTIFICATE----- in it)"
                                            : ": holds no certificate"));
}

Result<Owned<EVP_PKEY>, Failed> read_key(std::string_view pem, const Source& source) {
  const CleanErrors clean;
  bool asked = false;
  const auto no_passphrase = [](char*, int, int, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
  };
  const Owned<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, &asked));
  if (key == nullptr && asked) {
    return failure(source.key + ": the private key is encrypted, and there is nobody to ask for the passphrase: " +
                   "decrypt it with \"openssl pkey -in FILE -out FILE\"");
  }
  if (key == nullptr && pem.find("PRIVATE KEY-----") != pem.npos) {
    return failure(source.key + ": the private key in it cannot be decoded");
  }
  if (key == nullptr) {
    return failure(source.key + (pem.find("-----BEGIN ") == pem.npos
                                     ? ": not a PEM file (no -----BEGIN PRIVATE KEY----- in it)"
                                     : ": holds no private key"));
  }
  if (EVP_PKEY_get_security_bits(key.get()) < least_security_bits) {
    return failure(fmt::format("{}: a key of {} bits is too weak: RSA needs 2048, elliptic curves 224", source.key,
                               EVP_PKEY_get_bits(key.get())));
  }
  return key;
}

std::optional<Failed> key_trouble(const std::vector<Owned<X509>>& chain, EVP_PKEY* key, const Source& source) {
  const CleanErrors clean;
  if (X509_check_private_key(chain.front().get(), key) == 1) return std::nullopt;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (X509_check_private_key(chain[i].get(), key) != 1) continue;
    return fmt::format("{}: the certificate of the key, {}, stands in place {} and must stand first",
                       source.certificates, subject_of(*chain[i]), i + 1);
  }
  return fmt::format("{}: the private key does not belong to the certificate {} of {}", source.key,
                     subject_of(*chain.front()), source.certificates);
}

bool issued(X509* issuer, X509* subject) {
  const CleanErrors clean;
  return X509_check_issued(issuer, subject) == X509_V_OK && X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
}

std::optional<Failed> order_trouble(const std::vector<Owned<X509>>& chain, const Source& source) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (issued(chain[i].get(), chain[i - 1].get())) continue;
    return fmt::format(
        "{}: the chain is not in order: certificate {}, {}, did not sign the one before it, which {} did",
        source.certificates, i + 1, subject_of(*chain[i]), issuer_of(*chain[i - 1]));
  }
  return std::nullopt;
}

/// Also where the certificate may sign no other (RFC 5280 section 4.2.1.3), as ours for trying things out.
bool signed_itself(X509* certificate) {
  const CleanErrors clean;
  return X509_self_signed(certificate, 1) == 1;
}

IdentityFacts facts_of(const std::vector<Owned<X509>>& chain, const Source& source) {
  const X509& own = *chain.front();
  IdentityFacts facts;
  facts.subject = subject_of(own);
  facts.issuer = issuer_of(own);
  facts.names = sip_domains_of(own);
  facts.not_before = not_before_of(own);
  facts.not_after = not_after_of(own);
  facts.self_signed = signed_itself(chain.front().get());
  if (facts.names.empty()) {
    facts.warnings.push_back(source.certificates + ": the certificate names no domain (subjectAltName): peers that " +
                             "verify will refuse it");
  }
  if (!usable_for_sip(own, false)) {
    facts.warnings.push_back(source.certificates + ": the extended key usage of the certificate is not for servers: " +
                             "peers that verify will refuse it");
  }
  return facts;
}

struct Parts {
  std::unique_ptr<TlsIdentity::Material> material;
  IdentityFacts facts;
};

Result<Parts, Failed> assemble(std::string_view certificates, std::string_view key_pem, const Source& source) {
  auto chain = read_chain(certificates, source);
  if (!chain) return failure(std::move(chain.error()));
  auto key = read_key(key_pem, source);
  if (!key) return failure(std::move(key.error()));
  if (auto trouble = key_trouble(*chain, key->get(), source)) return failure(std::move(*trouble));
  if (auto trouble = order_trouble(*chain, source)) return failure(std::move(*trouble));

  IdentityFacts facts = facts_of(*chain, source);
  auto material = std::make_unique<TlsIdentity::Material>();
  material->key = std::move(*key);
  material->chain.reset(sk_X509_new_null());
  if (material->chain == nullptr) throw std::bad_alloc();
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (sk_X509_push(material->chain.get(), (*chain)[i].get()) == 0) throw std::bad_alloc();
    static_cast<void>((*chain)[i].release());
  }
  material->certificate = std::move(chain->front());
  return Parts{std::move(material), std::move(facts)};
}

/// The last certificate we send, and whether a peer can be expected to know who signed it: because it stands in the CA
/// file, or because everybody knows it. Without the system's authorities nobody can tell.
std::optional<std::string> chain_warning(const TlsIdentity& identity, const std::vector<Trust>& known,
                                         const std::string& file) {
  const auto& material = identity.material();
  const int extra = sk_X509_num(material.chain.get());
  X509* last = extra == 0 ? material.certificate.get() : sk_X509_value(material.chain.get(), extra - 1);
  const bool complete = signed_itself(last) || std::any_of(known.begin(), known.end(), [&](const Trust& trust) {
                          return trust.nobody || holds_issuer_of(trust, *last);
                        });
  if (complete) return std::nullopt;
  return fmt::format(
      "{}: the chain is incomplete: {} is signed by {}, which is neither in the file nor a known "
      "authority: peers may refuse the certificate",
      file, subject_of(*last), issuer_of(*last));
}

}  // namespace

TlsIdentity::TlsIdentity(std::unique_ptr<Material> material, IdentityFacts facts)
    : material_(std::move(material)), facts_(std::move(facts)) {}

TlsIdentity::~TlsIdentity() = default;

TlsIdentity::Loaded TlsIdentity::load(const std::string& certificate_file, const std::string& key_file) {
  const Source source{certificate_file, key_file.empty() ? certificate_file : key_file};
  const auto certificates = read_pem_file(source.certificates);
  if (!certificates) return failure("certificate: " + certificates.error());
  const auto key = read_pem_file(source.key);
  if (!key) return failure("private key: " + key.error());

  auto parts = assemble(*certificates, *key, source);
  if (!parts) return failure(std::move(parts.error()));
  struct stat status{};
  if (::stat(source.key.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
    parts->facts.warnings.push_back(source.key + ": every user of this machine can read the private key: chmod 640 it");
  }
  return std::shared_ptr<const TlsIdentity>(new TlsIdentity(std::move(parts->material), std::move(parts->facts)));
}

TlsIdentity::Loaded TlsIdentity::from_pem(std::string_view certificates, std::string_view key) {
  auto parts = assemble(certificates, key.empty() ? certificates : key, {"certificate", "private key"});
  if (!parts) return failure(std::move(parts.error()));
  return std::shared_ptr<const TlsIdentity>(new TlsIdentity(std::move(parts->material), std::move(parts->facts)));
}

Result<IdentityFacts, std::string> check_identity(const std::string& certificate_file, const std::string& key_file,
                                                  const std::string& ca_file) {
  const auto identity = TlsIdentity::load(certificate_file, key_file);
  if (!identity) return failure(identity.error());
  std::vector<Trust> known;
  for (const std::string& file : ca_file.empty() ? std::vector{ca_file} : std::vector{ca_file, std::string{}}) {
    auto trust = load_trust(file);
    if (!trust) return failure(std::move(trust.error()));
    known.push_back(std::move(*trust));
  }
  IdentityFacts facts = (*identity)->facts();
  if (auto warning = chain_warning(**identity, known, certificate_file)) facts.warnings.push_back(std::move(*warning));
  return facts;
}

Result<std::optional<std::string>, std::string> check_trust(const std::string& ca_file) {
  const auto trust = load_trust(ca_file);
  if (!trust) return failure(trust.error());
  if (!trust->nobody) return std::nullopt;
  return "this machine knows no certificate authority, so no peer can prove who it is: install ca-certificates, or "
         "name "
         "a file of trusted ones";
}

std::optional<std::string> date_warning(const IdentityFacts& facts, TimePoint now, Duration ahead) {
  const auto days_text = [](Duration span) {
    const auto days = std::chrono::floor<std::chrono::days>(span).count();
    return fmt::format("{} day{}", days, days == 1 ? "" : "s");
  };
  if (now < facts.not_before) {
    return fmt::format("the certificate {} is not valid before {}", facts.subject, date_text(facts.not_before));
  }
  if (now > facts.not_after) {
    return fmt::format("the certificate {} expired {} ago, on {}", facts.subject, days_text(now - facts.not_after),
                       date_text(facts.not_after));
  }
  if (facts.not_after - now > ahead) return std::nullopt;
  return fmt::format("the certificate {} expires in {}, on {}", facts.subject, days_text(facts.not_after - now),
                     date_text(facts.not_after));
}

}  // namespace bellhop::crypto
