#pragma once

#include <fmt/core.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace bellhop::observe {

/// How much is said (features.md CGP-21), each level including those before it.
enum class Level : std::uint8_t {
  failure,    ///< what cannot be recovered from
  major,      ///< start, stop, configuration, sessions established and ended
  problems,   ///< refusals, bad input with its source, peers that do not answer
  low_level,  ///< decisions, transactions, connections
  all_info,   ///< packet contents
};
[[nodiscard]] std::optional<Level> level_from(
    std::string_view name);  ///< "failure", "major", "problems", "low-level", "all-info"
[[nodiscard]] std::string_view name_of(Level level);

/// Who speaks (CGP-22). Each tag has its own level, switchable at run time.
enum class Tag : std::uint8_t {
  sip,
  sip_data,
  sip_server,
  sip_client,
  registrar,
  auth,
  routing,
  guard,
  net,
  storage,
  config,
  admin,
  server,
  count_
};
[[nodiscard]] std::string_view name_of(Tag tag);  ///< "SIP", "SIPDATA", "SIPS", "SIPC", "REGISTRAR" ...
[[nodiscard]] std::optional<Tag> tag_from(std::string_view name);

/// The log. write() formats nothing and never blocks: it moves the line into a queue, bounded in lines and octets, that
/// a side thread writes out (spdlog, in log.cpp only). When the queue is full the line is dropped and counted, and a
/// line of the log says where and how many. All tags start at Problems.
///
/// A line reads "2026-11-20T14:36:29.123456Z 02 SIPS text": UTC, level 01 (failure) to 05 (all info), tag. Further
/// lines of a text (a packet) are indented and control characters are escaped, so no text can pass for a line of its
/// own.
///
/// Threads  enabled() and write() from any; one relaxed load when the level is off.
class Log {
 public:
  /// Where lines go; called on the side thread only, and free to block there.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void line(std::string_view text) = 0;  ///< complete, without the line end
    virtual void end_of_batch() {}                 ///< the queue is empty for now: hand over what was collected
  };
  /// What stamps the lines; by default the system clock, the one clock read outside `net` because no decision depends
  /// on it. A simulation passes its virtual one. Called on the threads that write.
  using Clock = std::function<TimePoint()>;

  explicit Log(std::unique_ptr<Sink> sink, std::size_t queue_lines = 8192, Clock clock = {});
  /// Writes out what is queued; a sink that stays blocked for 2 s is left behind with its lines.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(Tag tag, Level level);
  void set_level(Level level);  ///< all tags
  [[nodiscard]] Level level(Tag tag) const;
  [[nodiscard]] bool enabled(Tag tag, Level level) const {
    return level <= static_cast<Level>(levels_[static_cast<std::size_t>(tag)].load(std::memory_order_relaxed));
  }

  void write(Tag tag, Level level, std::string line);
  template <class... Args>
  void operator()(Tag tag, Level level, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(tag, level)) write(tag, level, fmt::format(format, std::forward<Args>(args)...));
  }
  /// Waits until everything written so far has reached the sink, at most `patience`; false when it has not. For
  /// shutdown and tests.
  bool flush(Duration patience = 30s);
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Writer;
  std::array<std::atomic<std::uint8_t>, static_cast<std::size_t>(Tag::count_)> levels_;
  std::unique_ptr<Writer> writer_;
};

/// Standard error, one write() per batch. A closed one swallows the log, a full pipe delays nobody but the side thread.
[[nodiscard]] std::unique_ptr<Log::Sink> standard_error_sink();
/// The same on a descriptor that stays the caller's.
[[nodiscard]] std::unique_ptr<Log::Sink> descriptor_sink(int descriptor);
/// Drops everything; for tests and tools.
[[nodiscard]] std::unique_ptr<Log::Sink> null_sink();

}  // namespace bellhop::observe
