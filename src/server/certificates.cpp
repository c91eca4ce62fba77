#include "server/certificates.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "base/hash.hpp"
#include "crypto/self_signed.hpp"
#include "crypto/tls_identity.hpp"
#include "storage/file.hpp"

namespace bellhop::server {

namespace {

bool uses_tls(const config::Snapshot& snapshot) {
  return std::any_of(snapshot.listen.begin(), snapshot.listen.end(),
                     [](const auto& l) { return sip::is_secure(l.transport); });
}

/// A file that is there only under the name it was written with until it is whole.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), written_(path_ + ".new") {}
  ~NewFile() {
    ::unlink(written_.c_str());
    if (named_ && !kept_) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  [[nodiscard]] Result<void, std::string> write(const std::string& text) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
    ::unlink(written_.c_str());  // left by a start that was cut off
    const storage::FileDescriptor file(::open(written_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid() || !storage::write_at(file.get(), text, 0) || ::fsync(file.get()) != 0) return refused();
    return {};
  }
  [[nodiscard]] Result<void, std::string> give_name() {
    named_ = ::rename(written_.c_str(), path_.c_str()) == 0;
    return named_ ? Result<void, std::string>{} : refused();
  }
  void keep() { kept_ = true; }

 private:
  [[nodiscard]] Result<void, std::string> refused() const {
    return failure(fmt::format("cannot write {}: {}", path_, storage::error_text(errno)));
  }
  const std::string path_, written_;
  bool named_ = false, kept_ = false;
};

/// Both or none: a half of a pair would be taken for the operator's at the next start.
Result<void, std::string> write_pair(const config::Tls& tls, const crypto::PemPair& pair) {
  NewFile key(tls.key), certificate(tls.certificate);
  if (auto written = key.write(pair.key); !written) return written;
  if (auto written = certificate.write(pair.certificate); !written) return written;
  if (auto named = key.give_name(); !named) return named;
  if (auto named = certificate.give_name(); !named) return named;
  key.keep();
  certificate.keep();
  return {};
}

/// For the names of the domains and the addresses of this machine, good for as long as browsers take (825 days).
Result<void, std::string> make_missing(const config::Snapshot& snapshot) {
  const config::Tls& tls = snapshot.tls;
  if (std::filesystem::exists(tls.certificate) || std::filesystem::exists(tls.key)) return {};
  std::vector<std::string> names;
  for (const config::Domain& domain : snapshot.domains) {
    names.push_back(domain.name);
    names.insert(names.end(), domain.aliases.begin(), domain.aliases.end());
  }
  for (const IpAddress& address : snapshot.interface_addresses) names.push_back(address.to_string());
  try {
    return write_pair(tls, crypto::make_self_signed(names, hours(24 * 825)));
  } catch (const std::exception& error) {
    return failure(fmt::format("cannot make {}: {}", tls.certificate, error.what()));
  }
}

}  // namespace

Certificates::Certificates() : ticket_keys_{crypto::random_ticket_key()} {}

Result<void, std::string> Certificates::attach(config::Snapshot& snapshot) const {
  const config::Tls& tls = snapshot.tls;
  if (uses_tls(snapshot) && tls.self_signed && !tls.certificate.empty())
    if (auto made = make_missing(snapshot); !made) return made;
  snapshot.certificate_files = fingerprint(snapshot);  // first: what changes from here on is seen as a change
  if (!uses_tls(snapshot)) return {};
  crypto::TlsSettings settings;
  if (!tls.certificate.empty()) {
    auto loaded = crypto::TlsIdentity::load(tls.certificate, tls.key);
    if (!loaded) return failure(loaded.error());
    settings.identity = *loaded;
  }
  for (const config::Domain& domain : snapshot.domains) {
    if (domain.certificate.empty()) continue;
    const auto loaded = crypto::TlsIdentity::load(domain.certificate, domain.key);
    if (!loaded) return failure(loaded.error());
    settings.by_server_name.push_back({domain.name, *loaded});
    for (const std::string& alias : domain.aliases) settings.by_server_name.push_back({alias, *loaded});
  }
  settings.ca_file = tls.ca;
  settings.min_version =
      tls.min_version == config::TlsVersion::tls13 ? crypto::TlsVersion::tls_1_3 : crypto::TlsVersion::tls_1_2;
  if (!tls.ciphers.empty()) settings.ciphers = tls.ciphers;
  settings.ticket_keys = ticket_keys_;
  auto built = crypto::TlsContext::build(settings);
  if (!built) return failure(built.error());
  snapshot.tls_context = std::move(*built);
  return {};
}

void Certificates::renew_ticket_keys() {
  constexpr std::size_t kept = 2;
  ticket_keys_.insert(ticket_keys_.begin(), crypto::random_ticket_key());
  if (ticket_keys_.size() > kept) ticket_keys_.resize(kept);
}

std::uint64_t Certificates::fingerprint(const config::Snapshot& snapshot) {
  std::uint64_t value = 0;
  const auto mix = [&](const std::string& file) {
    struct stat facts{};
    if (file.empty() || ::stat(file.c_str(), &facts) != 0) return;
    value = hash64(fmt::format("{}.{} {} {}", facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_size, facts.st_ino),
                   value);
  };
  for (const std::string* file : {&snapshot.tls.certificate, &snapshot.tls.key, &snapshot.tls.ca}) mix(*file);
  for (const config::Domain& domain : snapshot.domains) {
    mix(domain.certificate);
    mix(domain.key);
  }
  return value;
}

void warn_of_dates(const config::Snapshot& snapshot, TimePoint now, observe::Log& log) {
  if (!snapshot.tls_context) return;
  for (const auto& identity : snapshot.tls_context->identities())
    if (const auto warning = crypto::date_warning(identity->facts(), now, snapshot.tls.expiry_warning))
      log(observe::Tag::config, observe::Level::major, "{}", *warning);
}

std::optional<std::int64_t> days_to_expiry(const config::Snapshot& snapshot, TimePoint now) {
  if (!snapshot.tls_context) return std::nullopt;
  std::optional<std::int64_t> days;
  for (const auto& identity : snapshot.tls_context->identities()) {
    const std::int64_t left = (identity->facts().not_after - now) / hours(24);
    days = days ? std::min(*days, left) : left;
  }
  return days;
}

}  // namespace bellhop::server
