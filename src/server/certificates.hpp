#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "config/snapshot.hpp"
#include "crypto/tls_context.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace bellhop::server {

/// The certificates of [tls] and the domains, made into the TLS context that goes into each snapshot. Ticket keys live
/// here, so sessions resume over a reload and on every shard.
///
/// Threads  one at a time; reads files, so never a shard's.
class Certificates {
 public:
  Certificates();

  /// Reads the files and puts a context into the snapshot, none without a tls or wss listener; notes what state of the
  /// files that was. Makes the pair of tls.self_signed when neither file is there. The error is one sentence.
  [[nodiscard]] Result<void, std::string> attach(config::Snapshot& snapshot) const;

  /// A fresh ticket key seals from now on, in contexts attached later; the one before still opens. Whoever learns a key
  /// can read two days of resumed sessions at most.
  void renew_ticket_keys();

  /// Changes when one of the files does (time of change, size, inode).
  [[nodiscard]] static std::uint64_t fingerprint(const config::Snapshot& snapshot);

 private:
  std::vector<crypto::TlsTicketKey> ticket_keys_;  ///< the newest first
};

/// A sentence at Major for each certificate that ends soon, has ended or has not begun.
void warn_of_dates(const config::Snapshot& snapshot, TimePoint now, observe::Log& log);

/// Whole days until the first certificate ends, less than 0 when it has ended; nothing without TLS.
[[nodiscard]] std::optional<std::int64_t> days_to_expiry(const config::Snapshot& snapshot, TimePoint now);

}  // namespace bellhop::server
