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
/// buffers every `flush_interval` and syncs them to disk, so a kill -9 loses at most that, SIGTERM nothing. A torn or
/// damaged tail is cut at the next start, damage further in front costs only the records it hit; a log line says how
/// much.
///
/// When the file has grown to more than twice what its owner needs, it is compacted: the owner is asked (on the side
/// thread) to write its whole present state into a new file, which then replaces the old one by rename; appends that
/// come meanwhile go behind it. For this to lose nothing the owner changes its state and appends the record under one
/// lock, and takes that lock when it dumps.
///
/// Limits  the buffers are bounded. When the disk stands still or fails, records are dropped, counted (journal.dropped)
///         and a compaction is scheduled, so that nothing stays lost: the newest state per key wins.
/// Order   records of one lane keep theirs. Those of two lanes may change places: a key that is written from several
///         lanes needs a version inside its records.
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

  static constexpr std::size_t max_payload = 1024 * 1024;  ///< octets; a longer or empty record is dropped and counted

  /// Lanes keep appenders from sharing a lock: one per shard (taken modulo their number). `buffer_limit` is divided
  /// among them.
  virtual void append(unsigned lane, std::string_view payload) = 0;
  /// Writes everything appended so far, does a compaction that was asked for, and returns when that is on disk or has
  /// failed (then it is in the log). For shutdown and tests.
  virtual void flush() = 0;
  /// Calls dump(writer) on the side thread when compaction is due, at the latest in the destructor: the owner's state
  /// must outlive the journal. Set once, before traffic.
  virtual void set_dump(std::function<void(Writer&)> dump) = 0;
  virtual void compact() = 0;  ///< asks for one now
  [[nodiscard]] virtual std::uint64_t octets() const = 0;
};

/// Opens (or creates) the file, replays every whole record through `replay` in order, cuts a damaged tail, and starts
/// the side thread. `replayed` is called once behind the last record, while all payloads given to `replay` are still
/// valid. Throws std::runtime_error when the file cannot be opened, is in use by another process, or belongs to another
/// format version. Counts journal.octets, journal.dropped, journal.errors and journal.compactions in `metrics`.
[[nodiscard]] std::unique_ptr<Journal> open_journal(const Journal::Settings& settings, unsigned lanes,
                                                    observe::Log& log, observe::Metrics& metrics,
                                                    const std::function<void(std::string_view payload)>& replay,
                                                    const std::function<void()>& replayed = {});

}  // namespace bellhop::storage
