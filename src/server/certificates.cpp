#include "server/certificates.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/hash.hpp"
#include "crypto/self_signed.hpp"
#include "crypto/tls_identity.hpp"

namespace bellhop::server {

namespace {

bool uses_tls(const config::Snapshot& snapshot) {
  return std::any_of(snapshot.listen.begin(), snapshot.listen.end(), [](const auto& l) { return sip::is_secure(l.transport); });
}

Result<void, std::string> write_secret(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int reason = errno;
  if (file >= 0) ::close(file);
  if (!written) return failure(fmt::format("cannot write {}: {}", path, std::strerror(reason)));
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
  const auto made = crypto::make_self_signed(names, hours(24 * 825));
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(tls.key).parent_path(), ignored);
  if (auto written = write_secret(tls.key, made.key); !written) return written;
  return write_secret(tls.certificate, made.certificate);
}

}  // namespace

Certificates::Certificates() : ticket_keys_{crypto::random_ticket_key()} {}

Result<void, std::string> Certificates::attach(config::Snapshot& snapshot) const {
  if (!uses_tls(snapshot)) return {};
  crypto::TlsSettings settings;
  const config::Tls& tls = snapshot.tls;
  if (!tls.certificate.empty()) {
    if (tls.self_signed)
      if (auto made = make_missing(snapshot); !made) return made;
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
  settings.min_version = tls.min_version == config::TlsVersion::tls13 ? crypto::TlsVersion::tls_1_3 : crypto::TlsVersion::tls_1_2;
  if (!tls.ciphers.empty()) settings.ciphers = tls.ciphers;
  settings.ticket_keys = ticket_keys_;
  auto built = crypto::TlsContext::build(settings);
  if (!built) return failure(built.error());
  snapshot.tls_context = std::move(*built);
  return {};
}

std::uint64_t Certificates::fingerprint(const config::Snapshot& snapshot) {
  std::uint64_t value = 0;
  const auto mix = [&](const std::string& file) {
    struct stat facts {};
    if (file.empty() || ::stat(file.c_str(), &facts) != 0) return;
    value = hash64(fmt::format("{}.{} {} {}", facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_size, facts.st_ino), value);
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
