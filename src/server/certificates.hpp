#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "config/snapshot.hpp"
#include "crypto/tls_context.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace bellhop::server {

/// The certificates of [tls] and the domains, made into the TLS context that goes into each snapshot. Ticket keys live as long as this
/// does, so sessions resume over a reload and on every shard.
///
/// Threads  one at a time; reads files, so never a shard's.
class Certificates {
 public:
  Certificates();

  /// Reads the files and puts a context into the snapshot; nothing is put in without a tls or wss listener. The error is one sentence.
  [[nodiscard]] Result<void, std::string> attach(config::Snapshot& snapshot) const;

  /// Changes when one of the files does (time of change, size, inode).
  [[nodiscard]] static std::uint64_t fingerprint(const config::Snapshot& snapshot);

 private:
  std::vector<crypto::TlsTicketKey> ticket_keys_;
};

/// A sentence at Major for each certificate that ends soon, has ended or has not begun.
void warn_of_dates(const config::Snapshot& snapshot, TimePoint now, observe::Log& log);

/// Whole days until the first certificate ends, less than 0 when it has ended; nothing without TLS.
[[nodiscard]] std::optional<std::int64_t> days_to_expiry(const config::Snapshot& snapshot, TimePoint now);

}  // namespace bellhop::server
