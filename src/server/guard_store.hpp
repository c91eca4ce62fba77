#pragma once

#include <cstdint>
#include <string>

#include "guard/guard.hpp"
#include "observe/log.hpp"

namespace bellhop::server {

/// Carries the guard's bans and orders over a restart: a file of JSON in data_dir, written anew when they have changed.
///
/// Thread  the main one; it may block on the disk. What changed since the last save(), a few seconds at most, is lost
///         when the process is killed.
/// Errors  a file that cannot be read or written is told in the log once; the guard works on without.
class GuardStore {
 public:
  GuardStore(std::string path, guard::Guard& guard, observe::Log& log)
      : path_(std::move(path)), guard_(guard), log_(log) {}
  void load(TimePoint now);
  /// The more there are, the more seldom, but for the last time.
  void save(TimePoint now, bool at_end = false);

 private:
  [[nodiscard]] bool write(const std::string& text);

  const std::string path_;
  guard::Guard& guard_;
  observe::Log& log_;
  std::uint64_t saved_ = 0;
  TimePoint next_{};
  bool told_ = false;
};

}  // namespace bellhop::server
