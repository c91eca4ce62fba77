#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace bellhop::storage {

/// An append-only file of checksummed records, written behind the traffic by one side thread (founding decision 4):
/// what must outlive the process goes in as values. Appending is a copy into a memory buffer; the thread writes the
/// buffer every `flush_interval` and syncs it to disk, so a kill -9 loses at most that, SIGTERM nothing. A torn or
/// damaged tail is cut at the next start, with a log line that says how much.
///
/// When the file has grown to more than twice what its owner needs, it is compacted: the owner is asked (on the side
/// thread) to write its whole present state into a new file, which then replaces the old one by rename; appends that
/// come meanwhile go behind it.
///
/// Limits  the buffer is bounded; when the disk stands still, `on_overflow` semantics are "newest state per key wins at
/// the
///         next compaction": records are dropped, counted (journal.dropped), and a compaction is scheduled so nothing
///         stays lost.
/// Threads append() from any thread.
class Journal {
 public:
  class Writer {  ///< what a compaction writes into
   public:
    virtual ~Writer() = default;
    virtual void record(std::string_view payload) = 0;
  };
  struct Settings {
    std::string path;
    Duration flush_interval = milliseconds(200);
    std::size_t buffer_limit = 64 * 1024 * 1024;
    bool sync = true;
  };
  virtual ~Journal() = default;  ///< flushes, syncs and closes

  /// Lanes keep appenders from sharing a lock: one per shard. Records of one lane keep their order.
  virtual void append(unsigned lane, std::string_view payload) = 0;
  /// Writes everything appended so far and returns when it is on disk. For shutdown and tests.
  virtual void flush() = 0;
  /// Calls dump(writer) on the side thread when compaction is due. Set once, before traffic.
  virtual void set_dump(std::function<void(Writer&)> dump) = 0;
  virtual void compact() = 0;  ///< asks for one now
  [[nodiscard]] virtual std::uint64_t octets() const = 0;
};

/// Opens the file, replays every whole record through `replay` in order, cuts a damaged tail, and starts the side
/// thread. Throws std::runtime_error when the file cannot be opened or belongs to another format version.
[[nodiscard]] std::unique_ptr<Journal> open_journal(const Journal::Settings& settings, unsigned lanes,
                                                    observe::Log& log, observe::Metrics& metrics,
                                                    const std::function<void(std::string_view payload)>& replay);

}  // namespace bellhop::storage
