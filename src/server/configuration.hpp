#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "admin/commands.hpp"
#include "config/snapshot.hpp"
#include "observe/log.hpp"
#include "server/certificates.hpp"

namespace bellhop::server {

/// The file as it was read, with the addresses of this machine and the TLS context filled in; nothing, and the faults
/// on standard error, when it has any.
[[nodiscard]] config::SnapshotPtr read_configuration(const std::string& file, const Certificates& certificates);

/// The running configuration. A reload builds the next snapshot aside and hands it on by pointer, or changes nothing
/// and says why (founding decision 3).
///
/// Threads  any; one reload at a time.
class Configuration {
 public:
  /// `apply` is called with each accepted snapshot, never at the same time twice.
  Configuration(std::string file, config::SnapshotPtr first, Certificates& certificates, observe::Log& log,
                std::function<void(const config::SnapshotPtr&)> apply);

  [[nodiscard]] config::SnapshotPtr now() const;
  admin::Reply reload();
  /// Reads the certificates again when their files have changed, and nothing else of the configuration. What cannot be
  /// used is told once and the old ones stay.
  void look_at_certificates();
  /// The same configuration with a fresh key for TLS session tickets; the one before still opens.
  void renew_ticket_keys();

 private:
  void read_certificates(const char* what);
  void adopt(config::SnapshotPtr next);
  [[nodiscard]] admin::Reply refuse(const std::string& why);

  const std::string file_;
  Certificates& certificates_;  ///< guarded by reloading_
  observe::Log& log_;
  const std::function<void(const config::SnapshotPtr&)> apply_;
  std::mutex reloading_;
  std::uint64_t seen_files_;  ///< of certificates; guarded by reloading_
  mutable std::mutex mutex_;
  config::SnapshotPtr now_;
};

void apply_levels(observe::Log& log, const config::Log& settings);

}  // namespace bellhop::server
