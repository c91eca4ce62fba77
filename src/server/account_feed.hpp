#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "config/snapshot.hpp"
#include "observe/log.hpp"
#include "storage/accounts.hpp"
#include "storage/directory.hpp"

namespace bellhop::server {

/// Keeps the Directory, which the shards ask, equal to the static accounts of the configuration plus the account store:
/// a thread of its own looks every second whether another process has changed the store.
///
/// Threads  any; a refresh holds one lock and blocks on the disk, so never a shard's.
class AccountFeed {
 public:
  /// Fills the directory before it returns. Throws std::runtime_error when the store cannot be read.
  AccountFeed(storage::AccountStore& store, storage::Directory& directory, const config::Snapshot& config,
              observe::Log& log);
  ~AccountFeed();
  AccountFeed(const AccountFeed&) = delete;
  AccountFeed& operator=(const AccountFeed&) = delete;

  void look_now();                                 ///< reads the store again when it has changed
  void configure(const config::Snapshot& config);  ///< takes other static accounts, and reads the store again

 private:
  void refresh();  ///< under the lock
  void run();

  storage::AccountStore& store_;
  storage::Directory& directory_;
  observe::Log& log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  storage::Directory::Contents static_part_;
  std::int64_t seen_ = -1;
  bool stopping_ = false;
  std::thread thread_;
};

/// What the configuration contributes to the directory.
[[nodiscard]] storage::Directory::Contents static_contents(const config::Snapshot& config);

}  // namespace bellhop::server
